import { el } from "../page/dom";
import type { Picture } from "../pixels/picture";
import { painted } from "./picture_canvas";
import { roving } from "./roving";

export interface ContactSheet {
  readonly element: HTMLElement;
  /** Marks the chosen picture; -1 if it is none of these. */
  mark(place: number): void;
}

/** Small pictures to choose one from: by pointer, or with the arrow keys as in any group of radio buttons. */
export function contactSheet(
  legend: string,
  pictures: readonly Picture[],
  label: (place: number) => string,
  onChoose: (place: number) => void,
): ContactSheet {
  const buttons = pictures.map((picture, place) =>
    el(
      "button",
      { type: "button", role: "radio", "aria-checked": "false", class: "thumb", "aria-label": label(place), title: label(place) },
      painted(picture, ""),
    ),
  );
  const element = el("div", { class: "sheet", role: "radiogroup", "aria-label": legend, onclick }, ...buttons);
  const stop = roving(element, buttons, onChoose);

  function onclick(event: MouseEvent): void {
    const place = buttons.findIndex((button) => button.contains(event.target as Node));
    if (place >= 0) onChoose(place);
  }

  return {
    element,
    mark(place) {
      buttons.forEach((button, i) => button.setAttribute("aria-checked", String(i === place)));
      stop(Math.max(place, 0));
    },
  };
}
