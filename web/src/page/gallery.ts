import type { Tensors } from "../latent/safetensors";
import { fromRgba, type Picture } from "../pixels/picture";
import { planesFromText } from "../pixels/own_text";
import type { Subject } from "../state/state";
import type { About } from "./about";

/** The pictures of the page: exact held-out ones, the map's from a compressed sheet, and the reader's own. */
export class Gallery {
  readonly shown: readonly Picture[];
  private readonly own = new Map<string, Picture>();
  private readonly points = new Map<number, Picture>();
  private sheet: Promise<CanvasRenderingContext2D> | null = null;

  constructor(
    private readonly about: About,
    private readonly tensors: Tensors,
  ) {
    const planes = tensors.numbers("shown", "U8");
    const size = this.height * this.width * 3;
    this.shown = about.shown.map((_, i) => this.picture(planes.subarray(i * size, (i + 1) * size)));
  }

  get height(): number {
    return this.about.image_shape[1];
  }

  get width(): number {
    return this.about.image_shape[2];
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
    const columns = this.tensors.numbers("sheet_columns", "I32")[0];
    const [left, top] = [(place % columns) * this.width, Math.floor(place / columns) * this.height];
    this.sheet ??= decodeSheet(this.tensors.numbers("sheet", "U8"));
    const { data } = (await this.sheet).getImageData(left, top, this.width, this.height);
    const picture = this.points.get(place) ?? fromRgba(data, this.width, this.height);
    this.points.set(place, picture);
    return picture;
  }

  /** "cat, test picture 17" */
  describe(subject: Subject): string {
    return this.lines(subject).join(", ");
  }

  /** "cat" and "test picture 17", the first only where the data has classes. */
  lines(subject: Subject): string[] {
    if (subject.kind === "own") return ["your picture"];
    const { label, index } = subject.kind === "shown" ? this.about.shown[subject.place] : this.about.points[subject.place];
    const place = `test picture ${index}`;
    return label >= 0 ? [this.about.class_names[label] ?? `class ${label}`, place] : [place];
  }

  /** True if the page holds this picture exactly; a point of the map may come from the compressed sheet. */
  isExact(subject: Subject): boolean {
    return subject.kind !== "point" || this.about.points[subject.place].shown >= 0;
  }

  private picture(planes: Uint8Array): Picture {
    return { width: this.width, height: this.height, planes };
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
