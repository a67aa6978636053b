import { positions, UNTURNED } from "../latent/turns";
import { goTo } from "../page/bar";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import type { Model } from "../page/model";
import { latentSize } from "../page/title";
import { recall, remember } from "../page/storage";
import { whenSeen } from "../page/when_seen";
import { UNTOUCHED } from "../state/state";
import { codeHue } from "../widgets/code_grid";
import { paint, pictureCanvas } from "../widgets/picture_canvas";

const KEY = "isthmus-explorer-introduction";
const READ = "read";
/** Where the example's knob stands in its pictures, in standard deviations. */
const STOPS = [-2, 0, 2];
/** Numbers of a latent drawn as bars, or codes drawn as squares; more would be too small to see. */
const MOST_DRAWN = 64;

export interface Introduction {
  readonly element: HTMLElement;
  /** Shows it and moves the keyboard focus to it. */
  show(): void;
}

/** Three sentences with pictures of this page: what one sees, what the latent is, what to do first. Shown until it is closed. */
export function introduction(context: Context): Introduction {
  const { store, gallery, models, opening } = context;
  const { width, height } = gallery;
  // Knobs are easier to grasp than codes.
  const model = models.find(({ codebook }) => !codebook) ?? models[0];
  const pictures = (count: number) => Array.from({ length: count }, () => pictureCanvas(width, height, ""));
  const [seen, turned] = [pictures(2), pictures(STOPS.length)];
  const latent = el("div", { class: model.codebook ? "latent-codes" : "latent-bars", "aria-hidden": "true" });
  const title = el("h2", { id: "introduction-title", tabindex: -1 }, "New here?");
  const what = model.codebook ? "Change a code" : "Turn a knob";

  const element = el(
    "section",
    { id: "introduction", class: "introduction", "aria-labelledby": "introduction-title", hidden: recall(KEY) === READ },
    el("div", { class: "introduction-head" }, title,
      button(what, begin, { class: "primary" }),
      button("Close", close)),
    el(
      "ol",
      {},
      step(el("div", { class: "frames" }, ...seen), "What you see: ", "every model rebuilds the picture, and what it could not keep is missing."),
      step(latent, "What the latent is: ", `the ${latentSize(model.about)} that the picture becomes on the way; the decoder gets nothing else.`),
      step(el("div", { class: "frames" }, ...turned), "What to do first: ", `${what.toLowerCase()} of the latent and see what it stands for.`),
    ),
  );

  /** To the knobs of the model that the pictures are of. */
  function begin(): void {
    if (store.get().model !== model.index) store.set({ model: model.index, ...UNTOUCHED });
    goTo(context, "knobs");
  }

  function close(): void {
    remember(KEY, READ);
    element.hidden = true;
    document.getElementById("introduction-button")?.focus({ preventScroll: true });
  }

  async function draw(): Promise<void> {
    const picture = gallery.shown[0];
    paint(seen[0], picture);
    const z = await model.encode(picture);
    const rebuilt = z && (await model.decode(z));
    if (!z || !rebuilt) return;
    paint(seen[1], rebuilt);
    drawLatent(latent, model, z);
    for (const [i, stop] of STOPS.entries()) {
      const shown = await model.decode(example(model, z, stop));
      if (shown) paint(turned[i], shown);
    }
  }

  whenSeen(element, opening.drawn, () => void draw());
  return {
    element,
    show() {
      element.hidden = false;
      element.scrollIntoView({ block: "nearest" });
      title.focus({ preventScroll: true });
    },
  };
}

function step(picture: HTMLElement, name: string, sentence: string): HTMLElement {
  return el("li", {}, el("div", { class: "introduction-picture" }, picture), el("p", {}, el("b", {}, name), sentence));
}

/** The latent with the first direction at `stop`, or with some of its codes replaced. */
function example({ space, codebook }: Model, z: Float32Array, stop: number): Float32Array {
  if (codebook) {
    const codes = codebook.read(z);
    const changed = stop === 0 ? [] : Array.from(codes.keys()).filter((i) => i % 2 === (stop < 0 ? 0 : 1));
    return codebook.write(z, Object.fromEntries(changed.map((i) => [i, codes[0]])));
  }
  const moved = z.slice();
  space.move(moved, 0, stop - space.coordinates(z, 1)[0]);
  return moved;
}

/** Bars from the mean, as the knobs are, or squares of the codes' colours. */
function drawLatent(place: HTMLElement, { space, codebook, about }: Model, z: Float32Array): void {
  if (codebook && about.code_grid) {
    place.style.setProperty("--columns", String(about.code_grid.shape[1]));
    place.replaceChildren(...Array.from(codebook.read(z), (code) => {
      const cell = el("span", { class: "code-colour" });
      cell.style.setProperty("--hue", codeHue(code));
      return cell;
    }));
    return;
  }
  const values = positions(space, z, UNTURNED, "numbers").slice(0, MOST_DRAWN);
  const most = Math.max(...values.map(Math.abs)) || 1;
  place.replaceChildren(...Array.from(values, (value) => {
    const bar = el("span", { class: value < 0 ? "below" : "above" });
    bar.style.setProperty("--size", String(Math.abs(value) / most));
    return bar;
  }));
}
