import { latest } from "../engine/latest";
import { positions, turn, turned, UNTURNED, type Order } from "../latent/turns";
import { el } from "../page/dom";
import type { Model } from "../page/model";
import { paint, pictureCanvas } from "./picture_canvas";

/** The knob positions of the frames, in standard deviations from the mean. */
const STOPS = [-3, -2, -1, 0, 1, 2, 3];

export interface Sweep {
  readonly element: HTMLElement;
  /** Shows the effect of the knob at `place` on z over its whole range. */
  aim(model: Model, z: Float32Array, order: Order, place: number): void;
  /** Hides the frames: they no longer belong to this latent. */
  clear(): void;
}

/** One knob over its whole range, with all others unchanged. */
export function sweep(width: number, height: number): Sweep {
  const frames = STOPS.map((stop) => pictureCanvas(width, height, `This knob at ${stop} standard deviations`));
  const caption = el("figcaption", {});
  const element = el("figure", { class: "sweep", hidden: true }, caption, el("div", { class: "frames" }, ...frames));

  const draw = latest(
    async ({ model, z, order, place }: { model: Model; z: Float32Array; order: Order; place: number }, stale) => {
      caption.textContent = `${order === "numbers" ? "z" : "Direction "}${place + 1} from −3 σ to +3 σ`;
      element.hidden = false;
      const now = positions(model.space, z, UNTURNED, order)[place];
      for (const [i, stop] of STOPS.entries()) {
        const moved = turned(model.space, z, turn(UNTURNED, order, place, stop - now));
        const picture = await model.decode(moved, { stale });
        if (!picture) return;
        paint(frames[i], picture);
      }
    },
  );
  return {
    element,
    aim: (model, z, order, place) => draw({ model, z, order, place }),
    clear: () => (element.hidden = true),
  };
}
