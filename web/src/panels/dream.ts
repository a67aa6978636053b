import { latest } from "../engine/latest";
import { goTo } from "../page/bar";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import type { Model } from "../page/model";
import { whenSeen } from "../page/when_seen";
import { freshSeed } from "../pixels/random";
import { UNTOUCHED, type State } from "../state/state";
import { modelChoice } from "../widgets/choice";
import { paint, pictureCanvas } from "../widgets/picture_canvas";
import { roving } from "../widgets/roving";
import { section } from "../widgets/section";

const DRAWS = 24;

/** Generated pictures: random latents, decoded. */
export function dream(context: Context): HTMLElement {
  const { store, gallery, models, opening } = context;
  const canvases = Array.from({ length: DRAWS }, () => pictureCanvas(gallery.width, gallery.height, ""));
  const buttons = canvases.map((canvas, place) =>
    el("button", { type: "button", class: "thumb", "aria-label": `Draw ${place + 1}: take it to the knobs`, onclick: () => take(place) }, canvas),
  );
  const sheet = el("div", { class: "dreams", role: "group", "aria-label": "Drawn pictures" }, ...buttons);
  roving(sheet, buttons);
  const source = el("p", { class: "how" });

  function take(place: number): void {
    store.set({ ...UNTOUCHED, drawn: { seed: store.get().dream, place } });
    goTo(context, "knobs");
  }

  const draw = latest(async ({ model: index, dream: seed }: State, stale) => {
    const model = models[index];
    source.textContent = drawnFrom(model);
    for (const [place, canvas] of canvases.entries()) {
      const picture = await model.decode(model.draw(seed, place), { stale });
      if (!picture) return;
      paint(canvas, picture);
    }
    opening.done("dream");
  });

  const element = section(
    "dream",
    "Dream",
    "New latents, which belong to no picture. Choose one to open it in the knobs.",
    el("div", { class: "controls" }, modelChoice(context), button("Draw others", redrawDream, { title: "Key d" })),
    sheet,
    source,
  );

  function redrawDream(): void {
    store.set({ dream: freshSeed() });
  }

  const redraw = whenSeen(element, opening.turnOf("dream"), () => draw(store.get()));
  store.on(["model", "dream"], redraw);
  return element;
}

function drawnFrom({ about, tensors }: Model): string {
  if (about.draws === "prior") return `Drawn from the prior that ${about.name} was trained with, the standard normal.`;
  const components = tensors.shape("mixture/weights")[0];
  const fitted = components === 1 ? "a Gaussian" : `a mixture of ${components} Gaussians`;
  return `${about.name} has no prior, so these are drawn from ${fitted} fitted to the latents of its training pictures.`;
}
