import type { Frame } from "../pixels/picture";

/** The facts stored in the page; docs/explorer-page.md describes each. All text in them is untrusted. */
export interface About {
  readonly format: number;
  readonly title: string;
  readonly created: string;
  readonly image_shape: readonly [number, number, number];
  /** The channels that pictures show: one, or three. */
  readonly shown_channels: readonly number[];
  /** The highest level of a pixel in the models' input: 255, or 65,535 for images of 16 bits. */
  readonly levels: number;
  /** What the pictures leave out of the images, in sentences. */
  readonly remarks: readonly string[];
  readonly class_names: readonly string[];
  readonly shown: readonly Held[];
  readonly points: readonly (Held & { readonly shown: number })[];
  readonly models: readonly ModelAbout[];
  readonly facts: readonly (readonly [string, string])[];
  readonly recipes: readonly (readonly [string, string])[];
}

/** A held-out picture: its place in the test set, and its class or -1. */
export interface Held {
  readonly index: number;
  readonly label: number;
}

export interface ModelAbout {
  readonly name: string;
  readonly about: string;
  readonly latent_shape: readonly number[];
  readonly kind: string;
  readonly pca: number;
  readonly pca_components: number;
  /** Side of the squares, in pixels, where PCA is of squares and not of whole pictures; else 0 or absent. */
  readonly pca_square?: number;
  readonly psnr_db: number | null;
  readonly pca_psnr_db: number | null;
  readonly storage_cost_db: number | null;
  readonly corruption: string;
  /** The place of the same model trained without noise; absent on pages of older versions. */
  readonly plain?: number | null;
  readonly draws: "prior" | "mixture";
  readonly neighbours: number;
  readonly maps: readonly string[];
  readonly code_grid: { readonly shape: readonly [number, number]; readonly codes: number } | null;
}

const FORMAT = 1;

/** The size and the channels of the page's pictures. */
export function frameOf({ image_shape: [channels, height, width], shown_channels: shown }: About): Frame {
  return { channels, height, width, shown };
}

/** Reads the page's facts. Raises: Error if another version of isthmus wrote them. */
export function readAbout(): About {
  const about = JSON.parse(blobText("about")) as About;
  if (about.format !== FORMAT) throw new Error(`this page is of format ${about.format}, its script reads ${FORMAT}`);
  return about;
}

/** The text of an element that holds data. Raises: Error if the page has no element with that id. */
export function blobText(id: string): string {
  const text = document.getElementById(id)?.textContent;
  if (text == null) throw new Error(`the page is cut short: it holds no ${id}`);
  return text;
}
