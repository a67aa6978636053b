/** The path from one latent to another. */
export type Path = "straight" | "sphere";

/** The latent at `at` on the way from a (at 0) to b (at 1). */
export function between(a: Float32Array, b: Float32Array, at: number, path: Path): Float32Array {
  return path === "sphere" ? alongSphere(a, b, at) : straight(a, b, at);
}

function straight(a: Float32Array, b: Float32Array, at: number): Float32Array {
  return a.map((value, i) => (1 - at) * value + at * b[i]);
}

/**
 * Spherical interpolation. Draws from a standard normal in many dimensions lie near a sphere; the straight line
 * between two of them passes through its inside, where the prior has almost no mass.
 *
 * Source: White 2016, arXiv:1609.04468, section 2.1.
 */
function alongSphere(a: Float32Array, b: Float32Array, at: number): Float32Array {
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  // Both on one ray, or one at the centre: there is no arc between them.
  if (!(sine > 1e-6)) return straight(a, b, at);
  const [from, to] = [Math.sin((1 - at) * angle) / sine, Math.sin(at * angle) / sine];
  return a.map((value, i) => from * value + to * b[i]);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
