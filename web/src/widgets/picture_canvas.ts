import { el } from "../page/dom";
import { toRgba, type Picture } from "../pixels/picture";

/** Side in pixels above which the page shrinks pictures rather than enlarging them. */
const FINE = 64;

/** A canvas of the picture's own pixels, enlarged without smoothing; screen readers skip it if it has no label. */
export function pictureCanvas(width: number, height: number, label: string): HTMLCanvasElement {
  const spoken = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const canvas = el("canvas", { class: Math.max(width, height) > FINE ? "pixels large" : "pixels", width, height, ...spoken });
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.style.setProperty("--ratio", String(width / height)); // the style sheet bounds the height of tall pictures
  return canvas;
}

/** Puts the picture's pixels onto a canvas of its size. */
export function paint(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context?.putImageData(new ImageData(toRgba(picture), picture.width, picture.height), 0, 0);
  canvas.classList.add("painted");
}

/** A canvas that already shows the picture. */
export function painted(picture: Picture, label: string): HTMLCanvasElement {
  const canvas = pictureCanvas(picture.width, picture.height, label);
  paint(canvas, picture);
  return canvas;
}
