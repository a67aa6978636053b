/** A picture of 8-bit RGB pixels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** (3, height, width), as the models take it. */
  readonly planes: Uint8Array;
}

/** Red, green, blue, opaque: what a canvas takes. */
export function toRgba({ width, height, planes }: Picture): Uint8ClampedArray<ArrayBuffer> {
  const count = width * height;
  const rgba = new Uint8ClampedArray(4 * count);
  for (let pixel = 0; pixel < count; pixel++) {
    rgba[4 * pixel] = planes[pixel];
    rgba[4 * pixel + 1] = planes[count + pixel];
    rgba[4 * pixel + 2] = planes[2 * count + pixel];
    rgba[4 * pixel + 3] = 255;
  }
  return rgba;
}

/** From opaque RGBA pixels, such as a canvas that was filled with white before the picture was drawn. */
export function fromRgba(rgba: Uint8ClampedArray, width: number, height: number): Picture {
  const count = width * height;
  const planes = new Uint8Array(3 * count);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * count + pixel] = rgba[4 * pixel + channel];
  }
  return { width, height, planes };
}

/** Values in [0, 1], (3, height, width), clamped and rounded to 8 bits as the evaluator does. */
export function fromUnit(values: Float32Array, width: number, height: number): Picture {
  const planes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) planes[i] = level(values[i] * 255);
  return { width, height, planes };
}

/** 0..255 as floats, (3, height, width): the input of encoders. */
export function toLevels(picture: Picture): Float32Array {
  return Float32Array.from(picture.planes);
}

/** The nearest grey level, 0 to 255. */
export function level(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
