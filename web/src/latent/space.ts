import type { Tensors } from "./safetensors";

/**
 * Where a model's latents lie: their mean, the spread of each number, and the principal directions.
 *
 * D numbers a latent, K directions kept. Directions are uncorrelated, and the first explains most of what pictures
 * differ in; a coordinate is in standard deviations along its direction.
 */
export class LatentSpace {
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** Share of the pictures' variance that each direction explains, 0 to 1, (K,). */
  private readonly shares: Float32Array;
  /** (K, D): what one standard deviation adds to a latent. */
  private readonly steps: Float32Array;
  /** (K, D): its product with (latent - mean) gives the coordinates. */
  private readonly readings: Float32Array;
  /** A number with a smaller spread varies only by rounding. */
  private readonly least: number;

  constructor(tensors: Tensors) {
    this.mean = tensors.numbers("mean", "F32");
    this.std = tensors.numbers("std", "F32");
    this.shares = tensors.numbers("share", "F32");
    this.least = 1e-6 * Math.max(...this.std);
    this.steps = scaled(tensors, "steps");
    this.readings = scaled(tensors, "readings");
  }

  /** D. */
  get size(): number {
    return this.mean.length;
  }

  /** K. */
  get kept(): number {
    return this.shares.length;
  }

  /** The first `count` principal coordinates of z (D,). */
  coordinates(z: Float32Array, count = this.kept): Float32Array {
    const { size, mean, readings } = this;
    return Float32Array.from({ length: count }, (_, k) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += readings[k * size + i] * (z[i] - mean[i]);
      return sum;
    });
  }

  /** Moves z (D,) along direction k by `amount` standard deviations, in place. */
  move(z: Float32Array, k: number, amount: number): void {
    const row = k * this.size;
    for (let i = 0; i < this.size; i++) z[i] += amount * this.steps[row + i];
  }

  /** The latent at these principal coordinates; all other directions are at the mean. */
  at(coordinates: Float32Array): Float32Array {
    const z = this.mean.slice();
    coordinates.forEach((amount, k) => this.move(z, k, amount));
    return z;
  }

  /** False for a number of the latent that never varies: the model does not use it. */
  isUsed(place: number): boolean {
    return this.std[place] > this.least;
  }

  /** Share of the pictures' variance that direction k explains, 0 to 1. */
  share(k: number): number {
    return this.shares[k];
  }

  /** The indices of the numbers of z, largest spread first. */
  byVariance(): number[] {
    return Array.from(this.std.keys()).sort((a, b) => this.std[b] - this.std[a] || a - b);
  }
}

/** A matrix stored in 8 bits with one scale per row. */
function scaled(tensors: Tensors, name: string): Float32Array {
  const scale = tensors.numbers(`${name}_scale`, "F32");
  const size = tensors.shape(name)[1];
  return Float32Array.from(tensors.numbers(name, "I8"), (value, i) => value * scale[Math.floor(i / size)]);
}
