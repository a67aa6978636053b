import type { LatentSpace } from "./space";

/** Which coordinates of a latent the knobs stand for: principal directions, or its own numbers. */
export type Order = "directions" | "numbers";

/**
 * What has been turned: for each knob how far it is from where it stood.
 *
 * directions: in units of the spread along each; numbers: in units of each number's std.
 * Both add up, so one can be turned after the other and a link stays short.
 */
export interface Turns {
  readonly directions: Readonly<Record<number, number>>;
  readonly numbers: Readonly<Record<number, number>>;
}

export const UNTURNED: Turns = { directions: {}, numbers: {} };

/** The latent that turning leads to from `start` (D,). */
export function turned(space: LatentSpace, start: Float32Array, turns: Turns): Float32Array {
  const z = start.slice();
  for (const [k, amount] of Object.entries(turns.directions)) if (Number(k) < space.kept) space.move(z, Number(k), amount);
  for (const [i, amount] of Object.entries(turns.numbers)) if (Number(i) < space.size) z[Number(i)] += amount * space.std[Number(i)];
  return z;
}

/** Where the knobs of `order` stand for z: in standard deviations from the mean. */
export function positions(space: LatentSpace, z: Float32Array, order: Order): Float32Array {
  if (order === "directions") return space.coordinates(z);
  return z.map((value, i) => (space.isUsed(i) ? (value - space.mean[i]) / space.std[i] : 0));
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
