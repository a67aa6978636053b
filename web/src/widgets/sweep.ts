import { latest } from "../engine/latest";
import { positions, turn, turned, UNTURNED } from "../latent/turns";
import { el } from "../page/dom";
import type { Model } from "../page/model";
import { knobName, type KnobPlace } from "../page/turned_words";
import { paint, pictureCanvas } from "./picture_canvas";

/** The knob positions of the frames, in standard deviations from the mean. */
const STOPS = [-3, -2, -1, 0, 1, 2, 3];
const NAMES = STOPS.map((stop) => `${stop < 0 ? "−" : stop > 0 ? "+" : ""}${Math.abs(stop)} σ`);

export interface Sweep {
  readonly element: HTMLElement;
  /** Shows the effect of one knob on z over its whole range. z: the latent with all other knobs as they stand. */
  aim(model: Model, z: Float32Array, knob: KnobPlace): void;
  /** Hides the frames: they belong to no knob. */
  clear(): void;
}

/** One knob over its whole range, with all others unchanged. */
export function sweep(width: number, height: number): Sweep {
  const frames = NAMES.map((name) => pictureCanvas(width, height, name));
  const caption = el("figcaption", {});
  const row = frames.map((frame, i) => el("div", { class: "frame" }, frame, el("small", { "aria-hidden": "true" }, NAMES[i])));
  const element = el("figure", { class: "sweep", hidden: true }, caption, el("div", { class: "frames" }, ...row));

  const draw = latest(async ({ model, z, knob }: { model: Model; z: Float32Array; knob: KnobPlace }, stale) => {
    const name = knobName(knob);
    caption.textContent = `${name} from −3 σ to +3 σ, all else as it stands`;
    frames.forEach((frame, i) => frame.setAttribute("aria-label", `${name} at ${NAMES[i]}`));
    element.hidden = false;
    const now = positions(model.space, z, UNTURNED, knob.order)[knob.place];
    for (const [i, stop] of STOPS.entries()) {
      const moved = turned(model.space, z, turn(UNTURNED, knob.order, knob.place, stop - now));
      const picture = await model.decode(moved, { stale });
      if (!picture) return;
      paint(frames[i], picture);
    }
  });
  return {
    element,
    aim: (model, z, knob) => draw({ model, z, knob }),
    clear: () => (element.hidden = true),
  };
}
