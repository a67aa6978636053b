import type { Tensors } from "./safetensors";

/**
 * Where a model's latents lie: their mean, the spread of each number, and the principal directions.
 *
 * D numbers a latent, K directions kept, widest first. A principal coordinate is in units of the spread along it.
 */
export class LatentSpace {
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** Standard deviation along each direction, (K,). */
  readonly spread: Float32Array;
  /** (K, D), rows of length 1. */
  private readonly directions: Float32Array;
  /** Below this a number varies by rounding alone. */
  private readonly least: number;

  constructor(tensors: Tensors) {
    this.mean = tensors.numbers("mean", "F32");
    this.std = tensors.numbers("std", "F32");
    this.spread = tensors.numbers("spread", "F32");
    this.least = 1e-6 * Math.max(...this.std);
    const scale = tensors.numbers("directions_scale", "F32");
    const size = this.mean.length;
    this.directions = Float32Array.from(tensors.numbers("directions", "I8"), (value, i) => value * scale[Math.floor(i / size)]);
  }

  /** D. */
  get size(): number {
    return this.mean.length;
  }

  /** K. */
  get kept(): number {
    return this.spread.length;
  }

  /** The first `count` principal coordinates of z (D,). */
  coordinates(z: Float32Array, count = this.kept): Float32Array {
    const { size, mean, spread, directions } = this;
    return Float32Array.from({ length: count }, (_, k) => {
      if (spread[k] === 0) return 0;
      let sum = 0;
      for (let i = 0; i < size; i++) sum += directions[k * size + i] * (z[i] - mean[i]);
      return sum / spread[k];
    });
  }

  /** Moves z (D,) along direction k by `amount` times its spread, in place. */
  move(z: Float32Array, k: number, amount: number): void {
    const step = amount * this.spread[k];
    const row = k * this.size;
    for (let i = 0; i < this.size; i++) z[i] += step * this.directions[row + i];
  }

  /** The latent at these principal coordinates, the mean in every direction not named. */
  at(coordinates: Float32Array): Float32Array {
    const z = this.mean.slice();
    coordinates.forEach((amount, k) => this.move(z, k, amount));
    return z;
  }

  /** False for a number of the latent that never varies: the model does not use it. */
  isUsed(place: number): boolean {
    return this.std[place] > this.least;
  }

  /** The share of all variance that lies along direction k, 0 to 1. */
  share(k: number): number {
    const all = this.std.reduce((sum, std) => sum + std * std, 0);
    return all > 0 ? this.spread[k] ** 2 / all : 0;
  }

  /** The places of the numbers of z, the most varying first. */
  byVariance(): number[] {
    return Array.from(this.std.keys()).sort((a, b) => this.std[b] - this.std[a] || a - b);
  }
}
