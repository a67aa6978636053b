import { random } from "../pixels/random";
import type { Tensors } from "./safetensors";
import type { LatentSpace } from "./space";

/** A random latent: draw `place` of the sheet with this seed. */
export type Draw = (seed: number, place: number) => Float32Array;

/** From the model's own prior, the standard normal in `size` dimensions. */
export function priorDraws(size: number): Draw {
  return (seed, place) => {
    const { normal } = random(seed, place);
    return Float32Array.from({ length: size }, normal);
  };
}

/**
 * From a mixture of Gaussians fitted to the training images' latents.
 *
 * The mixture covers the first Q principal coordinates; each direction beyond has a Gaussian of its own.
 */
export function mixtureDraws(space: LatentSpace, tensors: Tensors): Draw {
  const weights = tensors.numbers("mixture/weights", "F32");
  const means = tensors.numbers("mixture/means", "F32");
  const factors = tensors.numbers("mixture/factors", "F32");
  const modelled = means.length / weights.length;
  return (seed, place) => {
    const source = random(seed, place);
    const component = pick(weights, source.uniform());
    const coordinates = Float32Array.from({ length: space.kept }, source.normal);
    const mean = means.subarray(component * modelled, (component + 1) * modelled);
    const factor = factors.subarray(component * modelled ** 2, (component + 1) * modelled ** 2);
    coordinates.set(affine(mean, factor, coordinates.slice(0, modelled)));
    return space.at(coordinates);
  };
}

/** The component for a uniform random number in [0, 1). */
function pick(weights: Float32Array, lot: number): number {
  let left = lot * weights.reduce((sum, weight) => sum + weight, 0);
  const found = weights.findIndex((weight) => (left -= weight) < 0);
  return found < 0 ? weights.length - 1 : found;
}

/** mean + factor e, with the factor lower triangular: mean, e (Q,), factor (Q, Q). */
function affine(mean: Float32Array, factor: Float32Array, e: Float32Array): Float32Array {
  return mean.map((value, row) => {
    for (let column = 0; column <= row; column++) value += factor[row * mean.length + column] * e[column];
    return value;
  });
}

