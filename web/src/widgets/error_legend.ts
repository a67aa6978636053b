import { el } from "../page/dom";
import { ERROR_LIMIT, errorScale } from "../pixels/error_map";
import { painted } from "./picture_canvas";

/** The scale of every error map of images with so many channels. */
export function errorLegend(channels: number): HTMLElement {
  const ticks = [0, ERROR_LIMIT / 4, ERROR_LIMIT / 2, (3 * ERROR_LIMIT) / 4].map((tick) => el("span", {}, tick));
  const over = channels === 1 ? "" : `, mean over ${channels === 3 ? "the colours" : `all ${channels} channels`}`;
  return el(
    "figure",
    { class: "error-legend" },
    painted(errorScale(), `Colour scale: black is no error, pale yellow is ${ERROR_LIMIT} grey levels or more`),
    el("div", { class: "ticks", "aria-hidden": "true" }, ...ticks, el("span", {}, `${ERROR_LIMIT}+`)),
    el("figcaption", {}, `Error in grey levels of 255${over}; one scale for every picture`),
  );
}
