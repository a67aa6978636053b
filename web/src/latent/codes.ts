/** A discrete latent: which codebook vector each position holds. */
export class Codebook {
  /** vectors (codes, C) */
  constructor(
    private readonly vectors: Float32Array,
    readonly codes: number,
  ) {}

  private get channels(): number {
    return this.vectors.length / this.codes;
  }

  /** z (C, positions) -> the code of each position: the index of the nearest vector. */
  read(z: Float32Array): Uint16Array {
    const positions = z.length / this.channels;
    return Uint16Array.from({ length: positions }, (_, position) => this.nearest(z, position, positions));
  }

  /** `changes` without positions and codes that this latent does not have: anyone can write a link. */
  within(changes: Readonly<Record<number, number>>, positions: number): Record<number, number> {
    const there = ([position, code]: [string, number]) => Number(position) < positions && code < this.codes;
    return Object.fromEntries(Object.entries(changes).filter(there));
  }

  /** z (C, positions) with other codes at some positions. */
  write(z: Float32Array, changes: Readonly<Record<number, number>>): Float32Array {
    const { channels, vectors } = this;
    const positions = z.length / channels;
    const changed = z.slice();
    for (const [position, code] of Object.entries(this.within(changes, positions))) {
      for (let c = 0; c < channels; c++) changed[c * positions + Number(position)] = vectors[code * channels + c];
    }
    return changed;
  }

  /** z (C, positions) with each position moved to its nearest vector: the decoder accepts no others. */
  snap(z: Float32Array): Float32Array {
    return this.write(z, Object.fromEntries(this.read(z).entries()));
  }

  private nearest(z: Float32Array, position: number, positions: number): number {
    let [best, least] = [0, Infinity];
    for (let code = 0; code < this.codes; code++) {
      let distance = 0;
      for (let c = 0; c < this.channels; c++) {
        distance += (this.vectors[code * this.channels + c] - z[c * positions + position]) ** 2;
      }
      if (distance < least) [best, least] = [code, distance];
    }
    return best;
  }
}
