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

/** Everything that a reader has chosen; it determines what the page shows. */
export interface State {
  readonly panel: Panel;
  /** The model of the panels knobs, map and dream. */
  readonly model: number;
  readonly image: Subject;
  /** Morph: the picture at the other end, the position on the path (0 to 1), and the kind of path. */
  readonly other: Subject;
  readonly at: number;
  readonly path: Path;
  /** Knobs: their coordinates, the turns, changed codes by position, and a draw that replaces the picture. */
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

/** Knobs at the picture's values: the initial state for another model or another picture. */
export const UNTOUCHED = { turns: UNTURNED, codes: {}, drawn: null } satisfies Partial<State>;
