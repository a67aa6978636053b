import type { Tensors } from "../latent/safetensors";
import { fromRgba, GREY, type Frame, type Picture } from "../pixels/picture";
import { planesFromText } from "../pixels/own_text";
import type { Subject } from "../state/state";
import { frameOf, type About } from "./about";

/** The pictures of the page: exact held-out ones, the map's from a compressed sheet, and the reader's own. */
export class Gallery {
  readonly frame: Frame;
  readonly shown: readonly Picture[];
  private readonly own = new Map<string, Picture>();
  private readonly points = new Map<number, Picture>();
  private sheet: Promise<CanvasRenderingContext2D> | null = null;

  constructor(
    private readonly about: About,
    private readonly tensors: Tensors,
    /** The own picture that came with the link, or null: it need not be this reader's. */
    private readonly linked: Subject | null = null,
  ) {
    this.frame = frameOf(about);
    const planes = tensors.numbers("shown", "U8");
    const size = this.height * this.width * this.frame.channels;
    this.shown = about.shown.map((_, i) => this.picture(planes.subarray(i * size, (i + 1) * size)));
  }

  get height(): number {
    return this.frame.height;
  }

  get width(): number {
    return this.frame.width;
  }

  /** Always the same object for the same subject, so that results computed from it can be cached with it. */
  async of(subject: Subject): Promise<Picture> {
    if (subject.kind === "shown") return this.shown[subject.place];
    if (subject.kind === "point") return this.point(subject.place);
    const known = this.own.get(subject.pixels);
    const picture = known ?? this.picture(planesFromText(subject.pixels));
    this.own.set(subject.pixels, picture);
    return picture;
  }

  /** The picture of a point of the map. */
  async point(place: number): Promise<Picture> {
    const { shown } = this.about.points[place];
    if (shown >= 0) return this.shown[shown];
    const known = this.points.get(place);
    if (known) return known;
    this.sheet ??= decodeSheet(this.tensors.numbers("sheet", "U8"));
    const sheet = await this.sheet;
    const picture = this.points.get(place) ?? this.onSheet(sheet, place);
    this.points.set(place, picture);
    return picture;
  }

  /** "cat, test picture 17" */
  describe(subject: Subject): string {
    return this.lines(subject).join(", ");
  }

  /** "cat" and "test picture 17", the first only where the data has classes. */
  lines(subject: Subject): string[] {
    if (subject.kind === "own") {
      const came = this.linked?.kind === "own" && this.linked.pixels === subject.pixels;
      return [came ? "the picture from the link" : "your picture"];
    }
    const { label, index } = subject.kind === "shown" ? this.about.shown[subject.place] : this.about.points[subject.place];
    const place = `test picture ${index}`;
    return label >= 0 ? [this.about.class_names[label] ?? `class ${label}`, place] : [place];
  }

  /** True if the page holds this picture exactly; a point of the map may come from the compressed sheet. */
  isExact(subject: Subject): boolean {
    return subject.kind !== "point" || this.about.points[subject.place].shown >= 0;
  }

  private picture(planes: Uint8Array): Picture {
    return { ...this.frame, planes };
  }

  /** Picture `place` of the sheet, where RGB has one tile a picture, and everything else one grey tile a channel. */
  private onSheet(sheet: CanvasRenderingContext2D, place: number): Picture {
    const { width, height, channels } = this.frame;
    const columns = this.tensors.numbers("sheet_columns", "I32")[0];
    const tile = (number: number) =>
      sheet.getImageData((number % columns) * width, Math.floor(number / columns) * height, width, height).data;
    if (channels === 3) return fromRgba(tile(place), this.frame);
    const planes = new Uint8Array(channels * width * height);
    for (let channel = 0; channel < channels; channel++) {
      const grey = fromRgba(tile(place * channels + channel), { ...GREY, width, height });
      planes.set(grey.planes, channel * width * height);
    }
    return this.picture(planes);
  }
}

async function decodeSheet(webp: Uint8Array): Promise<CanvasRenderingContext2D> {
  const file = new Blob([new Uint8Array(webp)], { type: "image/webp" });
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser draws no canvas");
  context.drawImage(bitmap, 0, 0);
  return context;
}
