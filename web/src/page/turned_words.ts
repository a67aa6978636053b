import type { Order, Turns } from "../latent/turns";
import { signed } from "./numbers";

/** One knob: a principal direction, or a number of the latent. */
export interface KnobPlace {
  readonly order: Order;
  readonly place: number;
}

/** "Direction 2" or "z3" */
export function knobName({ order, place }: KnobPlace): string {
  return order === "numbers" ? `z${place + 1}` : `Direction ${place + 1}`;
}

/** "+1.20 σ" */
export function sigmas(value: number): string {
  return `${signed(value)} σ`;
}

/**
 * The name of a picture after turns: "Direction 2 at +1.20 σ", "z3 at −0.50 σ, 2 more"; null if nothing is turned.
 *
 * last: the knob that was turned last, which is named. at: where a knob stands, in standard deviations.
 */
export function turnedWords(turns: Turns, last: KnobPlace | null, at: (knob: KnobPlace) => number): string | null {
  const all = (["directions", "numbers"] as const).flatMap((order) =>
    Object.keys(turns[order]).map((place): KnobPlace => ({ order, place: Number(place) })),
  );
  if (all.length === 0) return null;
  const named = all.find(({ order, place }) => order === last?.order && place === last.place) ?? all[0];
  return `${knobName(named)} at ${sigmas(at(named))}${andMore(all.length - 1)}`;
}

/** The same for codes, on a grid of so many columns: "Row 2, column 3: code 17, 1 more". */
export function codeWords(codes: Readonly<Record<number, number>>, last: number | null, columns: number): string | null {
  const changed = Object.keys(codes).map(Number);
  if (changed.length === 0) return null;
  const named = last !== null && changed.includes(last) ? last : changed[0];
  return `${cellName(named, columns)}: code ${codes[named]}${andMore(changed.length - 1)}`;
}

/** "Row 2, column 3" */
export function cellName(position: number, columns: number): string {
  return `Row ${Math.floor(position / columns) + 1}, column ${(position % columns) + 1}`;
}

function andMore(count: number): string {
  return count > 0 ? `, ${count} more` : "";
}
