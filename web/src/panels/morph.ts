import { latest } from "../engine/latest";
import { between, type Path } from "../latent/paths";
import type { Context } from "../page/context";
import { el } from "../page/dom";
import { whenSeen } from "../page/when_seen";
import { crossFade } from "../pixels/cross_fade";
import type { State } from "../state/state";
import { arrowSteps } from "../widgets/arrow_steps";
import { choice } from "../widgets/choice";
import { contactSheet } from "../widgets/contact_sheet";
import { paint, pictureCanvas } from "../widgets/picture_canvas";
import { how, section } from "../widgets/section";
import { strip } from "../widgets/strip";

const FRAMES = 9;
/** A press of an arrow key, as a share of the way. */
const STEP = 0.025;
const PLACES = Array.from({ length: FRAMES }, (_, i) => i / (FRAMES - 1));

/** Interpolate from one picture to another in the latent space and, for comparison, in pixels. */
export function morph(context: Context): HTMLElement {
  const { store, gallery, models, opening } = context;
  const { width, height } = gallery;
  const ends = ["The picture chosen above", "The picture at the other end"].map((label) => pictureCanvas(width, height, label));
  const strips = models.map(({ about, index }) => strip(about.name, index, FRAMES, width, height));
  const pixels = strip("Cross-fade of the pixels", null, FRAMES, width, height);
  const slider = el("input", {
    type: "range", min: 0, max: 1, step: 0.005, class: "walk", "aria-label": "How far on the way",
    oninput: () => store.set({ at: slider.valueAsNumber }),
  });
  arrowSteps(slider, STEP, (at) => store.set({ at }));
  const reading = el("p", { class: "soft walk-reading" });
  const withPrior = models.some(({ about }) => about.draws === "prior");
  const paths = choice<Path>(
    "Which way",
    [{ value: "straight", text: "Straight line" }, { value: "sphere", text: "Along the sphere" }],
    (path) => store.set({ path }),
  );
  const sheet = contactSheet(
    "The picture at the other end",
    gallery.shown,
    (place) => gallery.describe({ kind: "shown", place }),
    (place) => store.set({ other: { kind: "shown", place } }),
  );

  /** The path for this model: the sphere needs a normal prior. */
  const wayOf = (index: number, { path }: State): Path => (models[index].about.draws === "prior" ? path : "straight");
  const endsOf = ({ image, other }: State) => Promise.all([gallery.of(image), gallery.of(other)]);

  const drawHere = latest(async (state: State, stale) => {
    const [a, b] = await endsOf(state);
    pixels.showHere(crossFade(a, b, state.at));
    for (const model of models) {
      const [from, to] = [await model.encode(a, { urgent: true }), await model.encode(b, { urgent: true })];
      if (!from || !to) return;
      const z = between(from, to, state.at, wayOf(model.index, state));
      const picture = await model.decode(z, { urgent: true, stale });
      if (!picture) return;
      strips[model.index].showHere(picture);
    }
  });

  const drawStrips = latest(async (state: State, stale) => {
    const pictures = await endsOf(state);
    pictures.forEach((picture, i) => paint(ends[i], picture));
    PLACES.forEach((at, i) => pixels.show(i, crossFade(pictures[0], pictures[1], at)));
    for (const model of models) {
      const [from, to] = [await model.encode(pictures[0]), await model.encode(pictures[1])];
      if (!from || !to) return;
      for (const [i, at] of PLACES.entries()) {
        const picture = await model.decode(between(from, to, at, wayOf(model.index, state)), { stale });
        if (!picture) return;
        strips[model.index].show(i, picture);
      }
    }
    opening.done("morph");
  });

  function mark(state: State): void {
    const nearest = Math.round(state.at * (FRAMES - 1));
    const note = (index: number) => (state.path === wayOf(index, state) ? "" : "straight: it has no prior, so no sphere");
    strips.forEach((one, index) => one.mark(nearest, note(index)));
    pixels.mark(nearest, "no model at all");
    paths.mark(state.path);
    slider.value = String(state.at);
    const far = `${Math.round(100 * state.at)} % of the way`;
    slider.setAttribute("aria-valuetext", far);
    reading.textContent = `${far} from ${gallery.describe(state.image)}, to ${gallery.describe(state.other)}`;
    sheet.mark(state.other.kind === "shown" ? state.other.place : -1);
  }

  const element = section(
    "morph",
    "Morph",
    "Halfway between two latents, a good model shows something that could be a picture. Halfway between two pictures, you see both at once.",
    withPrior ? paths.element : null,
    el("div", { class: "walk-row" }, ends[0], slider, ends[1]),
    reading,
    ...strips.map((one) => one.element),
    pixels.element,
    el("details", { class: "other" }, el("summary", {}, "Choose the picture at the other end"), sheet.element),
    how(
      "The large picture is the one at the slider. The straight line mixes the two latents number by number" +
        (withPrior ? ". Latents drawn from a prior lie near a sphere, and the other way between two latents stays on it." : "."),
    ),
  );
  const turn = opening.turnOf("morph");
  const here = whenSeen(element, turn, () => drawHere(store.get()));
  const all = whenSeen(element, turn, () => drawStrips(store.get()));
  store.on(["image", "other", "path"], all);
  store.on(["image", "other", "path", "at"], (state) => {
    mark(state);
    here();
  });
  mark(store.get());
  return element;
}
