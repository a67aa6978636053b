import type { Engine, RunOptions } from "../engine/engine";
import { Codebook } from "../latent/codes";
import { mixtureDraws, priorDraws, type Draw } from "../latent/draws";
import type { Tensors } from "../latent/safetensors";
import { LatentSpace } from "../latent/space";
import { fromUnit, toLevels, type Frame, type Picture } from "../pixels/picture";
import { frameOf, type About, type ModelAbout } from "./about";

/** One of the page's autoencoders, with the PCA of the same latent size. */
export class Model {
  readonly about: ModelAbout;
  readonly space: LatentSpace;
  readonly draw: Draw;
  readonly codebook: Codebook | null;
  private readonly latents = new WeakMap<Picture, Float32Array>();
  private readonly frame: Frame;
  private readonly imageShape: readonly number[];
  private readonly levels: number;

  constructor(
    page: About,
    readonly index: number,
    readonly tensors: Tensors,
    private readonly engine: Engine,
  ) {
    this.about = page.models[index];
    this.frame = frameOf(page);
    this.imageShape = [1, ...page.image_shape];
    this.levels = page.levels;
    this.space = new LatentSpace(tensors);
    this.draw = this.about.draws === "prior" ? priorDraws(this.space.size) : mixtureDraws(this.space, tensors);
    const codes = this.about.code_grid?.codes;
    this.codebook = codes === undefined ? null : new Codebook(tensors.numbers("codebook", "F32"), codes);
  }

  /** picture -> z (D,); null if it became stale. */
  async encode(picture: Picture, options?: RunOptions): Promise<Float32Array | null> {
    const known = this.latents.get(picture);
    if (known) return known;
    const z = await this.engine.run(`encoder-${this.index}`, toLevels(picture, this.levels), this.imageShape, options);
    if (z) this.latents.set(picture, z);
    return z;
  }

  /** z (D,) -> the decoded picture; null if it became stale. */
  async decode(z: Float32Array, options?: RunOptions): Promise<Picture | null> {
    const held = this.codebook ? this.codebook.snap(z) : z;
    return this.toPicture(await this.engine.run(`decoder-${this.index}`, held, [1, ...this.about.latent_shape], options));
  }

  async reconstruct(picture: Picture, options?: RunOptions): Promise<Picture | null> {
    const z = await this.encode(picture, options);
    return z && this.decode(z, options);
  }

  /** PCA's reconstruction of the picture, with the same latent size. */
  async pca(picture: Picture, options?: RunOptions): Promise<Picture | null> {
    const input = toLevels(picture, this.levels);
    return this.toPicture(await this.engine.run(`pca-${this.about.pca}`, input, this.imageShape, options));
  }

  private toPicture(values: Float32Array | null): Picture | null {
    return values && fromUnit(values, this.frame);
  }
}
