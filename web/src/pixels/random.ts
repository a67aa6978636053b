/** Seeded random numbers: the same seed gives the same numbers in every browser. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

/**
 * A generator for `seed`; `stream` selects one of its independent sequences.
 *
 * Source: SplitMix (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195) with 32-bit words and the mixing
 * function lowbias32 of Chris Wellons.
 */
export function random(seed: number, stream = 0): Random {
  let state = mix(mix(seed >>> 0) ^ Math.imul(stream + 1, 0x9e3779b9));
  let spare: number | null = null;
  const uniform = () => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 2 ** 32;
  };
  const normal = () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    // Box and Muller: a point in the plane whose two coordinates are independent normals.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal };
}

/** A random seed, small enough to be readable in a link. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 1e6);
}

function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return (word ^ (word >>> 15)) >>> 0;
}
