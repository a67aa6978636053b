import type { Engine } from "../engine/engine";
import type { Store } from "../state/store";
import type { About } from "./about";
import type { Gallery } from "./gallery";
import type { Model } from "./model";
import type { Opening } from "./opening";

/** What every panel needs. */
export interface Context {
  readonly about: About;
  readonly store: Store;
  readonly gallery: Gallery;
  readonly models: readonly Model[];
  readonly engine: Engine;
  readonly timings: Timings;
  readonly opening: Opening;
}

/** Milliseconds, for measuring the page: window.isthmus.timings. */
export interface Timings {
  /** From navigation until the panel that the page opens with was drawn. */
  ready: number;
  /** The last redraws: from a knob's event until its picture was drawn. */
  readonly redraws: number[];
}

/** A PCA of the page and the models whose latent has its size. */
export interface PcaGroup {
  readonly models: readonly Model[];
  readonly components: number;
  /** `PCA`, or `PCA of 8x8 squares`. */
  readonly name: string;
}

/** Models of one latent size are grouped, followed by their PCA. */
export function pcaGroups(models: readonly Model[]): PcaGroup[] {
  const groups = new Map<number, Model[]>();
  for (const model of models) groups.set(model.about.pca, [...(groups.get(model.about.pca) ?? []), model]);
  return [...groups.values()].map((group) => {
    const { pca_components: components, pca_square: square } = group[0].about;
    return { models: group, components, name: square ? `PCA of ${square}x${square} squares` : "PCA" };
  });
}
