import type { About } from "../page/about";
import type { Subject } from "../state/state";

type Points = About["points"];

/** The index of a picture among the map's points, or -1. */
export function pointOf(points: Points, image: Subject): number {
  if (image.kind === "point") return image.place;
  return image.kind === "shown" ? points.findIndex(({ shown }) => shown === image.place) : -1;
}

/** A point of the map as a subject: the exact picture if the page holds it. */
export function subjectOf(points: Points, place: number): Subject {
  const { shown } = points[place];
  return shown >= 0 ? { kind: "shown", place: shown } : { kind: "point", place };
}
