import { el } from "../page/dom";
import type { Picture } from "../pixels/picture";
import { paint, pictureCanvas } from "./picture_canvas";

export interface Strip {
  readonly element: HTMLElement;
  /** Shows frame `place` of the strip. */
  show(place: number, picture: Picture): void;
  /** The picture at the slider. */
  showHere(picture: Picture): void;
  /** Marks the frame nearest to the slider; names the kind of path. */
  mark(place: number, note: string): void;
}

/** One path between two pictures: frames in a row, and the picture at the slider, enlarged, beside them. */
export function strip(name: string, colour: number | null, count: number, width: number, height: number): Strip {
  const frames = Array.from({ length: count }, (_, i) => pictureCanvas(width, height, `${name}, ${i + 1} of ${count}`));
  const here = pictureCanvas(width, height, `${name}, at the slider`);
  const note = el("small", {});
  const chip = colour === null ? null : el("span", { class: `chip c${colour % 6}`, "aria-hidden": "true" });
  return {
    element: el(
      "div",
      { class: "strip" },
      el("h3", {}, chip, name, note),
      el("div", { class: "strip-row" }, el("div", { class: "here" }, here), el("div", { class: "frames" }, ...frames)),
    ),
    show: (place, picture) => paint(frames[place], picture),
    showHere: (picture) => paint(here, picture),
    mark(place, text) {
      frames.forEach((frame, i) => frame.classList.toggle("nearest", i === place));
      note.textContent = text;
    },
  };
}
