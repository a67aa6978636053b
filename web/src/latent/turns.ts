import type { LatentSpace } from "./space";

/** Which coordinates of a latent the knobs stand for: principal directions, or its own numbers. */
export type Order = "directions" | "numbers";

/**
 * How far each knob has been turned from its starting position.
 *
 * directions and numbers: in standard deviations of each.
 * The two kinds of turns add up, so a reader can use both, and a link stays short.
 */
export interface Turns {
  readonly directions: Readonly<Record<number, number>>;
  readonly numbers: Readonly<Record<number, number>>;
}

export const UNTURNED: Turns = { directions: {}, numbers: {} };

/** The latent after these turns from `start` (D,). */
export function turned(space: LatentSpace, start: Float32Array, turns: Turns): Float32Array {
  const z = start.slice();
  const { directions, numbers } = within(space, turns);
  for (const [k, amount] of Object.entries(directions)) space.move(z, Number(k), amount);
  for (const [i, amount] of Object.entries(numbers)) z[Number(i)] += amount * space.std[Number(i)];
  return z;
}

/**
 * Where the knobs of `order` stand after turning from `start`: in standard deviations from the mean.
 *
 * Directions are treated as exactly perpendicular. Stored in 8 bits, they are perpendicular only up to 0.01, so turning
 * one would also move the others.
 */
export function positions(space: LatentSpace, start: Float32Array, turns: Turns, order: Order): Float32Array {
  if (order === "directions") {
    const stood = space.coordinates(turned(space, start, { ...turns, directions: {} }));
    return stood.map((value, k) => value + (turns.directions[k] ?? 0));
  }
  return turned(space, start, turns).map((value, i) => (space.isUsed(i) ? (value - space.mean[i]) / space.std[i] : 0));
}

/** `turns` with knob `place` moved by `amount` standard deviations. */
export function turn(turns: Turns, order: Order, place: number, amount: number): Turns {
  const { [place]: before = 0, ...others } = turns[order];
  const after = before + amount;
  return { ...turns, [order]: Math.abs(after) < 5e-4 ? others : { ...others, [place]: after } };
}

export function anyTurned(turns: Turns): boolean {
  return Object.keys(turns.directions).length + Object.keys(turns.numbers).length > 0;
}

/** `turns` without those of knobs that this latent does not have: anyone can write a link. */
export function within(space: LatentSpace, { directions, numbers }: Turns): Turns {
  return { directions: below(directions, space.kept), numbers: below(numbers, space.size) };
}

function below(some: Readonly<Record<number, number>>, limit: number): Record<number, number> {
  return Object.fromEntries(Object.entries(some).filter(([place]) => Number(place) < limit));
}
