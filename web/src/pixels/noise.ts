import { level, type Picture } from "./picture";
import { random } from "./random";

export type NoiseKind = "gaussian" | "patches" | "pepper";

export interface Noise {
  readonly kind: NoiseKind;
  /** In the unit of the noise kind, from 0 to its `most`. */
  readonly strength: number;
  readonly seed: number;
}

interface Kind {
  readonly name: string;
  /** What the strength measures. */
  readonly measure: string;
  readonly unit: string;
  readonly most: number;
  readonly usual: number;
  readonly apply: (picture: Picture, strength: number, seed: number) => Uint8Array;
}

/** A patch's side as a share of the picture's shorter side. */
const PATCH = 1 / 8;
const GREY = 128;

export const NOISES: Readonly<Record<NoiseKind, Kind>> = {
  gaussian: { name: "Gaussian", measure: "Standard deviation", unit: "grey levels of 255", most: 80, usual: 25, apply: gaussian },
  patches: { name: "Masked patches", measure: "Masked", unit: "% of the picture", most: 80, usual: 30, apply: patches },
  pepper: { name: "Salt and pepper", measure: "Black or white", unit: "% of the pixels", most: 60, usual: 15, apply: pepper },
};

/** The noisy picture, rounded to 8 bits; a higher strength gives more of the same noise, another seed gives other noise. */
export function addNoise(picture: Picture, { kind, strength, seed }: Noise): Picture {
  return { ...picture, planes: NOISES[kind].apply(picture, strength, seed) };
}

/** Adds normal noise with standard deviation `strength` to every value of every channel. */
function gaussian({ planes }: Picture, strength: number, seed: number): Uint8Array {
  const { normal } = random(seed);
  return planes.map((value) => level(value + strength * normal()));
}

/** `strength` percent of the squares of a lattice, in an order chosen by the seed, are painted grey. */
function patches({ width, height, planes }: Picture, strength: number, seed: number): Uint8Array {
  const side = Math.max(1, Math.round(PATCH * Math.min(width, height)));
  const [across, down] = [Math.ceil(width / side), Math.ceil(height / side)];
  const order = shuffled(across * down, seed);
  const hidden = new Set(order.slice(0, Math.round((strength / 100) * order.length)));
  const place = (pixel: number) =>
    Math.floor(Math.floor(pixel / width) / side) * across + Math.floor((pixel % width) / side);
  return planes.map((value, i) => (hidden.has(place(i % (width * height))) ? GREY : value));
}

/** `strength` percent of the pixels, chosen one by one, become black or white with equal chance. */
function pepper({ width, height, planes }: Picture, strength: number, seed: number): Uint8Array {
  const { uniform } = random(seed);
  const chance = strength / 100;
  const noisy = planes.slice();
  const count = width * height;
  for (let pixel = 0; pixel < count; pixel++) {
    const [lot, side] = [uniform(), uniform()];
    if (lot < chance) for (let i = pixel; i < planes.length; i += count) noisy[i] = side < 0.5 ? 0 : 255;
  }
  return noisy;
}

/** 0 to count - 1 in random order (Fisher and Yates). */
function shuffled(count: number, seed: number): number[] {
  const { uniform } = random(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
