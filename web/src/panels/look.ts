import { latest } from "../engine/latest";
import type { Context } from "../page/context";
import { el } from "../page/dom";
import { compared } from "../page/compared";
import { decibels } from "../page/numbers";
import type { Frame } from "../pixels/picture";
import { ssim, WINDOW } from "../pixels/ssim";
import { UNTOUCHED, type State } from "../state/state";
import { card } from "../widgets/card";
import { contactSheet } from "../widgets/contact_sheet";
import { errorLegend } from "../widgets/error_legend";
import { lineup, type Describe } from "../widgets/lineup";
import { ownPicture } from "../widgets/own_picture";
import { how, section } from "../widgets/section";

export interface Look {
  readonly element: HTMLElement;
  /** The canvas of each model's output. */
  readonly outputs: readonly HTMLCanvasElement[];
  /** Resolves when every model's reconstruction of the first picture is visible. */
  readonly drawn: Promise<void>;
}

/** Choose a picture; see what each model keeps of it. */
export function look(context: Context): Look {
  const { store, gallery, about, opening } = context;
  const { width, height } = gallery;
  const original = card({ name: "Original", width, height, below: errorLegend(gallery.frame.channels) });
  const line = lineup(context, [original], true, describe);
  const sheet = contactSheet(
    "Held-out pictures",
    gallery.shown,
    (place) => gallery.describe({ kind: "shown", place }),
    (place) => store.set({ image: { kind: "shown", place }, ...UNTOUCHED }),
  );

  let first: () => void;
  const drawn = new Promise<void>((resolve) => (first = resolve));
  const draw = latest(async ({ image }: State, stale) => {
    const picture = await gallery.of(image);
    original.show(picture);
    original.say(...gallery.lines(image), gallery.isExact(image) ? "" : "from the map’s compressed sheet");
    sheet.mark(image.kind === "shown" ? image.place : -1);
    if (!(await line.draw(picture, picture, stale))) return;
    first();
    opening.done("look");
  });
  store.on(["image"], draw);
  void opening.turnOf("look").then(() => draw(store.get()));

  const squares = context.models.some(({ about }) => about.pca_square);
  const ofSquares = squares ? "; PCA of squares, the best that gives each square of pixels numbers of its own" : "";
  const small = Math.min(width, height) < WINDOW ? "These pictures are smaller than that. " : "";
  const element = section(
    "look",
    "Look",
    `One picture through ${context.models.length === 1 ? "the model" : "every model"}. Whatever the latent cannot hold is missing in the output.`,
    line.element,
    el("h3", {}, `${about.shown.length} pictures that no model was trained on`),
    sheet.element,
    ownPicture(context),
    how(
      `PSNR is measured ${measuredOn(gallery.frame)}. Ten decibels more mean a tenth of the squared error. SSIM ` +
        `compares patterns in windows of ${WINDOW} pixels and is 1 for equal pictures. ${small}PCA is the best that a linear method can do ` +
        `with as many numbers${ofSquares}. A difference under 0.1 dB counts as the same, because the weights on this page are ` +
        "rounded. Pixels are enlarged without smoothing.",
    ),
  );
  return { element, outputs: line.outputs, drawn };
}

function measuredOn({ channels, shown }: Frame): string {
  const all = channels === shown.length && shown.every((channel, place) => channel === place);
  return all ? "on the 8-bit picture that you see" : `on 8 bits of all ${channels} channels, also of those that you do not see`;
}

const describe: Describe = ({ output, target, score, pca }) => [
  decibels(score),
  similarity(ssim(output, target)),
  pca === null ? "" : against(score - pca),
];

function similarity(value: number): string {
  return Number.isNaN(value) ? "SSIM undefined" : `SSIM ${value.toFixed(3)}`;
}

function against(difference: number): HTMLElement {
  const { text, tone } = compared(difference, "PCA");
  return el("span", { class: tone }, text);
}
