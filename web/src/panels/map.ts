import { latest } from "../engine/latest";
import type { Context } from "../page/context";
import { el } from "../page/dom";
import type { Model } from "../page/model";
import { thousands } from "../page/numbers";
import { whenSeen } from "../page/when_seen";
import { UNTOUCHED, type State, type Subject } from "../state/state";
import { choice, modelChoice } from "../widgets/choice";
import { legend } from "../widgets/legend";
import { paint, pictureCanvas } from "../widgets/picture_canvas";
import type { Place } from "../widgets/plane";
import { scatter, type ScatterLook } from "../widgets/scatter";
import { how, section } from "../widgets/section";
import { neighbourhood } from "./neighbourhood";
import { pointOf, subjectOf } from "./points";

const PCA = "PCA";

/** A map of held-out pictures: each point is a latent in the plane. */
export function map(context: Context): HTMLElement {
  const { about, store, gallery, models, opening } = context;
  const thumb = pictureCanvas(gallery.width, gallery.height, "");
  const thumbName = el("figcaption", {});
  const tip = el("figure", { class: "tip", hidden: true, "aria-hidden": "true" }, thumb, thumbName);
  const said = el("p", { class: "unseen", role: "status" });
  const plane = scatter(
    "Map of the latents: arrow keys walk from picture to picture, Enter chooses one",
    (place, spot) => void showTip(place, spot),
    (place) => store.set({ image: subjectOf(about.points, place), ...UNTOUCHED }),
  );
  const classes = legend(about.class_names, light);
  classes.element.hidden = about.class_names.length === 0;
  let shown: Omit<ScatterLook, "lit"> | null = null;
  const note = el("p", { class: "how", role: "status" });
  const around = neighbourhood(context);
  const names = [...new Set(models.flatMap((model) => model.about.maps))];
  const planes = choice("Plane", names.map((name) => ({ value: name, text: name })), (name) => store.set({ plane: name }));

  async function showTip(place: number, spot: Place | null): Promise<void> {
    tip.hidden = spot === null;
    if (spot === null) return;
    thumbName.textContent = said.textContent = gallery.describe({ kind: "point", place });
    tip.style.left = `${spot.x}px`;
    tip.style.top = `${spot.y}px`;
    tip.classList.toggle("leftwards", spot.x > plane.element.clientWidth / 2);
    paint(thumb, await gallery.point(place));
  }

  function light(): void {
    if (shown) plane.draw({ ...shown, lit: classes.lit() });
  }

  const draw = latest(async (state: State) => {
    const model = models[state.model];
    const name = model.about.maps.includes(state.plane) ? state.plane : PCA;
    planes.mark(name);
    const flat = model.tensors.numbers(`map/${name}`, "F32");
    const dots = about.points.map(({ label }, i) => ({ x: flat[2 * i], y: flat[2 * i + 1], label }));
    const chosen = await placeOf(context, model, state.image, name, flat);
    const unit = name === PCA ? "standard deviations" : "";
    shown = { dots, chosen, unit, colour: classes.colour };
    light();
    note.textContent = explain(name, chosen !== null);
    await around.show(model, state.image);
    opening.done("map");
  });

  const element = section(
    "map",
    "Map",
    `${thousands(about.points.length)} held-out pictures, placed by their latents. The ring marks the chosen picture. Click another one to choose it.`,
    el("div", { class: "controls" }, modelChoice(context), names.length > 1 ? planes.element : null),
    el(
      "div",
      { class: "map-body" },
      el("div", {}, el("div", { class: "scatter" }, plane.element, tip, said), classes.element, note),
      around.element,
    ),
    how("Near in the latent: the model describes both pictures with nearly the same numbers, each divided by its standard deviation. Near in pixels: their pixels are nearly the same."),
  );
  const redraw = whenSeen(element, opening.turnOf("map"), () => {
    classes.repaint();
    draw(store.get());
  });
  store.on(["image", "model", "plane"], redraw);
  document.addEventListener("themechange", redraw);
  return element;
}

/** The place of a picture on this plane; null if it is not known. */
async function placeOf({ about, gallery }: Context, model: Model, image: Subject, plane: string, flat: Float32Array): Promise<Place | null> {
  const place = pointOf(about.points, image);
  if (place >= 0) return { x: flat[2 * place], y: flat[2 * place + 1] };
  if (plane !== PCA) return null;
  const z = await model.encode(await gallery.of(image));
  if (!z) return null;
  const [x, y = 0] = model.space.coordinates(z, Math.min(2, model.space.kept));
  return { x, y };
}

function explain(plane: string, known: boolean): string {
  const axes =
    plane === PCA
      ? "Across and up: the first and the second principal direction of the training latents."
      : `${plane} keeps neighbours together. The distance between clusters means nothing.`;
  return known ? axes : `${axes} A new picture cannot be placed here; choose the plane PCA.`;
}
