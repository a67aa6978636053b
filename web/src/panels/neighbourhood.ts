import { nearest } from "../latent/neighbours";
import type { Context } from "../page/context";
import { el } from "../page/dom";
import type { Model } from "../page/model";
import { UNTOUCHED, type Subject } from "../state/state";
import { painted } from "../widgets/picture_canvas";
import { pointOf, subjectOf } from "./points";

export interface Neighbourhood {
  readonly element: HTMLElement;
  /** The pictures nearest to this one, by the model and by pixels. */
  show(model: Model, image: Subject): Promise<void>;
}

/** Nearest neighbours in the latent and in the pixels, side by side. */
export function neighbourhood(context: Context): Neighbourhood {
  const { about, gallery, store } = context;
  const [latent, pixels] = ["Nearest in the latent", "Nearest in pixels"].map((title) => {
    const row = el("div", { class: "near-row" });
    return { row, element: el("div", {}, el("h3", {}, title), row) };
  });
  const note = el("p", { class: "soft" });

  async function fill(row: HTMLElement, subjects: readonly Subject[]): Promise<void> {
    const buttons = subjects.map(async (subject) => {
      const name = gallery.describe(subject);
      const onclick = () => store.set({ image: subject, ...UNTOUCHED });
      const picture = painted(await gallery.of(subject), "");
      return el("button", { type: "button", class: "thumb", "aria-label": name, title: name, onclick }, picture);
    });
    row.replaceChildren(...(await Promise.all(buttons)));
  }

  return {
    element: el("div", {}, el("div", { class: "near" }, latent.element, pixels.element), note),
    async show(model, image) {
      const point = pointOf(about.points, image);
      const found = point >= 0 ? stored(about.points, model, point) : await computed(context, model, image);
      if (!found) return;
      const both = found.latent.filter((one) => found.pixels.some((other) => same(one, other))).length;
      note.textContent = `${both} of ${found.latent.length} are in both rows${found.among}.`;
      await fill(latent.row, found.latent);
      await fill(pixels.row, found.pixels);
    },
  };
}

interface Found {
  readonly latent: readonly Subject[];
  readonly pixels: readonly Subject[];
  /** The set of pictures searched, if it is not the map's. */
  readonly among: string;
}

/** The neighbours of a point of the map, found when the page was written. */
function stored(points: Context["about"]["points"], { tensors, about }: Model, point: number): Found {
  const of = (name: string) =>
    Array.from(tensors.numbers(name, "U16").subarray(point * about.neighbours, (point + 1) * about.neighbours), (place) =>
      subjectOf(points, place),
    );
  return { latent: of("latent_neighbours"), pixels: of("pixel_neighbours"), among: "" };
}

/** The neighbours of any other picture, among the pictures whose latents the page holds. */
async function computed({ gallery, about }: Context, model: Model, image: Subject): Promise<Found | null> {
  const picture = await gallery.of(image);
  const z = await model.encode(picture);
  if (!z) return null;
  const size = picture.planes.length;
  const table = new Uint8Array(size * gallery.shown.length);
  gallery.shown.forEach(({ planes }, i) => table.set(planes, i * size));
  const subjects = (places: number[]) => places.map((place): Subject => ({ kind: "shown", place }));
  const count = model.about.neighbours;
  return {
    latent: subjects(nearest(z, model.tensors.numbers("shown_latents", "F32"), count, model.space.std)),
    pixels: subjects(nearest(picture.planes, table, count)),
    among: `, found among the ${about.shown.length} pictures of Look`,
  };
}

function same(one: Subject, other: Subject): boolean {
  return one.kind !== "own" && other.kind !== "own" && one.kind === other.kind && one.place === other.place;
}
