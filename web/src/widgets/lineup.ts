import { pcaGroups, type Context } from "../page/context";
import { counted } from "../page/numbers";
import { el } from "../page/dom";
import type { Picture } from "../pixels/picture";
import { psnr } from "../pixels/psnr";
import { card, type Card } from "./card";

/** What stands under an output: its PSNR in dB, and that of PCA at the same latent size (null under PCA itself). */
export type Describe = (output: Picture, target: Picture, score: number, pca: number | null) => (string | HTMLElement)[];

export interface Lineup {
  readonly element: HTMLElement;
  /** The canvas that a model's output stands on. */
  readonly outputs: readonly HTMLCanvasElement[];
  /** Sends `input` through every model and every PCA; false where it became stale on the way. */
  draw(input: Picture, target: Picture, stale: () => boolean): Promise<boolean>;
}

/** The same picture through each model, PCA of the same latent size beside it. */
export function lineup({ models, gallery }: Context, first: readonly Card[], error: boolean, describe: Describe): Lineup {
  const { width, height } = gallery;
  const cards = models.map((model) => card({ name: model.about.name, width, height, error, colour: model.index }));
  const groups = pcaGroups(models).map((group) => {
    const name = `PCA, ${counted(group.components, "number")}`;
    return { ...group, card: card({ name, width, height, error }) };
  });
  const ordered = groups.flatMap((group) => [...group.models.map((model) => cards[model.index]), group.card]);

  function fill(place: Card, output: Picture, target: Picture, pca: number | null): number {
    const score = psnr(output, target);
    place.show(output, target);
    place.say(...describe(output, target, score, pca));
    return score;
  }

  return {
    element: el("div", { class: "lineup" }, ...[...first, ...ordered].map(({ element }) => element)),
    outputs: cards.map(({ canvas }) => canvas),
    async draw(input, target, stale) {
      const options = { urgent: true, stale };
      for (const group of groups) {
        const linear = await group.models[0].pca(input, options);
        if (!linear) return false;
        const score = fill(group.card, linear, target, null);
        for (const model of group.models) {
          const output = await model.reconstruct(input, options);
          if (!output) return false;
          fill(cards[model.index], output, target, score);
        }
      }
      return true;
    },
  };
}
