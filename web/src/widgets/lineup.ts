import { pcaGroups, type Context } from "../page/context";
import type { Model } from "../page/model";
import { counted } from "../page/numbers";
import { el } from "../page/dom";
import type { Picture } from "../pixels/picture";
import { psnr } from "../pixels/psnr";
import { card, type Card } from "./card";

/** An output and its facts. `score`: its PSNR in dB. */
export interface Shown {
  readonly output: Picture;
  readonly target: Picture;
  readonly score: number;
  /** PSNR of PCA at the same latent size; null under PCA itself. */
  readonly pca: number | null;
  /** The output's model (null for PCA), and model index -> PSNR for each model of the same latent size. */
  readonly model: Model | null;
  readonly scores: ReadonlyMap<number, number>;
}

/** The lines under an output. */
export type Describe = (shown: Shown) => (string | HTMLElement)[];

export interface Lineup {
  readonly element: HTMLElement;
  /** The canvas of a model's output. */
  readonly outputs: readonly HTMLCanvasElement[];
  /** Sends `input` through every model and every PCA; false if it became stale meanwhile. */
  draw(input: Picture, target: Picture, stale: () => boolean): Promise<boolean>;
}

/** The same picture through each model, PCA of the same latent size beside it. */
export function lineup({ models, gallery }: Context, first: readonly Card[], error: boolean, describe: Describe): Lineup {
  const { width, height } = gallery;
  const cards = models.map((model) => card({ name: model.about.name, width, height, error, colour: model.index }));
  const groups = pcaGroups(models).map((group) => {
    const name = `${group.name}, ${counted(group.components, "number")}`;
    return { ...group, card: card({ name, width, height, error }) };
  });
  const ordered = groups.flatMap((group) => [...group.models.map((model) => cards[model.index]), group.card]);

  function fill(place: Card, shown: Shown): void {
    place.show(shown.output, shown.target);
    place.say(...describe(shown));
  }

  return {
    element: el("div", { class: "lineup" }, ...[...first, ...ordered].map(({ element }) => element)),
    outputs: cards.map(({ canvas }) => canvas),
    async draw(input, target, stale) {
      const options = { urgent: true, stale };
      for (const group of groups) {
        const linear = await group.models[0].pca(input, options);
        if (!linear) return false;
        const outputs = new Map<Model, Picture>();
        for (const model of group.models) {
          const output = await model.reconstruct(input, options);
          if (!output) return false;
          outputs.set(model, output);
        }
        const scores = new Map([...outputs].map(([model, output]) => [model.index, psnr(output, target)]));
        const pca = psnr(linear, target);
        fill(group.card, { output: linear, target, score: pca, pca: null, model: null, scores });
        for (const [model, output] of outputs) {
          fill(cards[model.index], { output, target, score: scores.get(model.index)!, pca, model, scores });
        }
      }
      return true;
    },
  };
}
