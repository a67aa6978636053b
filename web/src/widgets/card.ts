import { el } from "../page/dom";
import { errorMap } from "../pixels/error_map";
import type { Picture } from "../pixels/picture";
import { paint, pictureCanvas } from "./picture_canvas";

/** A picture with its name above, numbers below and, if requested, its error map. */
export interface Card {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Shows the picture and, if the card has a map, its error against `original`. */
  show(picture: Picture, original?: Picture): void;
  /** Gives the picture another name. */
  rename(name: string): void;
  /** Lines below the picture: the first is the main number. */
  say(...lines: readonly (string | HTMLElement)[]): void;
}

export interface CardLook {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** 0 to 5: the colour of a model. */
  readonly colour?: number;
  readonly error?: boolean;
  /** Shown in place of an error map. */
  readonly below?: HTMLElement;
}

export function card({ name, width, height, colour, error, below }: CardLook): Card {
  const canvas = pictureCanvas(width, height, name);
  const map = error ? pictureCanvas(width, height, `Error map of ${name}`) : null;
  const lines = el("div", { class: "card-lines" });
  const chip = colour === undefined ? null : el("span", { class: `chip c${colour % 6}`, "aria-hidden": "true" });
  const text = document.createTextNode(name);
  const element = el(
    "figure",
    { class: "card" },
    el("figcaption", { class: "card-name" }, chip, text),
    canvas,
    lines,
    map ?? below,
  );
  map?.classList.add("error-map");
  return {
    element,
    canvas,
    show(picture, original) {
      paint(canvas, picture);
      if (map && original) paint(map, errorMap(picture, original));
    },
    rename(other) {
      if (text.data === other) return;
      text.data = other;
      canvas.setAttribute("aria-label", other);
    },
    say(...said) {
      lines.replaceChildren(...said.map((line, i) => el(i === 0 ? "strong" : "span", {}, line)));
    },
  };
}
