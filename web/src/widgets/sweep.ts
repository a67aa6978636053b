import { latest } from "../engine/latest";
import { positions, turn, turned, UNTURNED, type Order } from "../latent/turns";
import { el } from "../page/dom";
import type { Model } from "../page/model";
import { paint, pictureCanvas } from "./picture_canvas";

/** Where on a knob's way the frames lie, in standard deviations from the mean. */
const STOPS = [-3, -2, -1, 0, 1, 2, 3];

export interface Sweep {
  readonly element: HTMLElement;
  /** Shows what the knob at `place` does to z from end to end. */
  aim(model: Model, z: Float32Array, order: Order, place: number): void;
  /** What was shown is no longer about this latent. */
  clear(): void;
}

/** One knob from end to end, all others left as they are. */
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
