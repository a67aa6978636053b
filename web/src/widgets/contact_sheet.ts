import { el } from "../page/dom";
import type { Picture } from "../pixels/picture";
import { painted } from "./picture_canvas";

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
      { type: "button", role: "radio", "aria-checked": "false", class: "thumb", "aria-label": label(place), title: label(place), tabindex: -1 },
      painted(picture, ""),
    ),
  );
  const element = el("div", { class: "sheet", role: "radiogroup", "aria-label": legend, onclick, onkeydown }, ...buttons);

  function onclick(event: MouseEvent): void {
    const place = buttons.findIndex((button) => button.contains(event.target as Node));
    if (place >= 0) onChoose(place);
  }

  function onkeydown(event: KeyboardEvent): void {
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow(), ArrowUp: -perRow() }[event.key];
    if (here < 0 || step === undefined) return;
    event.preventDefault();
    const next = buttons[here + step];
    if (!next) return;
    next.focus();
    onChoose(here + step);
  }

  function perRow(): number {
    const top = buttons[0].offsetTop;
    const count = buttons.findIndex((button) => button.offsetTop !== top);
    return count < 0 ? buttons.length : count;
  }

  return {
    element,
    mark(place) {
      buttons.forEach((button, i) => {
        button.setAttribute("aria-checked", String(i === place));
        button.tabIndex = i === Math.max(place, 0) ? 0 : -1;
      });
    },
  };
}
