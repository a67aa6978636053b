import type { Path } from "../latent/paths";
import { UNTURNED, type Order, type Turns } from "../latent/turns";
import { NOISES, type Noise } from "../pixels/noise";

export const PANELS = ["look", "knobs", "morph", "map", "noise", "dream"] as const;
export type Panel = (typeof PANELS)[number];

/** Which picture: one of the held-out ones, one of the map's, or the reader's own (base64url of its planes). */
export type Subject =
  | { readonly kind: "shown"; readonly place: number }
  | { readonly kind: "point"; readonly place: number }
  | { readonly kind: "own"; readonly pixels: string };

/** A draw of Dream: which sheet, which place on it. */
export interface Drawn {
  readonly seed: number;
  readonly place: number;
}

/** All that a reader has chosen; whatever the page shows follows from it. */
export interface State {
  readonly panel: Panel;
  /** Which model is turned, mapped and dreamt of. */
  readonly model: number;
  readonly image: Subject;
  /** Morph: the picture at the other end, how far on the way (0 to 1), and which way. */
  readonly other: Subject;
  readonly at: number;
  readonly path: Path;
  /** Knobs: what they stand for, what was turned, codes changed by position, and a draw instead of the picture. */
  readonly order: Order;
  readonly turns: Turns;
  readonly codes: Readonly<Record<number, number>>;
  readonly drawn: Drawn | null;
  readonly noise: Noise;
  /** Dream: the seed of the sheet. */
  readonly dream: number;
  /** Map: the name of the plane. */
  readonly plane: string;
}

export const START: State = {
  panel: "look",
  model: 0,
  image: { kind: "shown", place: 0 },
  other: { kind: "shown", place: 1 },
  at: 0.5,
  path: "straight",
  order: "directions",
  turns: UNTURNED,
  codes: {},
  drawn: null,
  noise: { kind: "gaussian", strength: NOISES.gaussian.usual, seed: 1 },
  dream: 1,
  plane: "PCA",
};

/** Knobs as the picture has them: what another model or another picture begins with. */
export const UNTOUCHED = { turns: UNTURNED, codes: {}, drawn: null } satisfies Partial<State>;
