/** The size and the channels of a picture. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** The channels that the screen shows: one, as grey, or three, as red, green and blue. */
  readonly shown: readonly number[];
}

/** A picture of 8-bit pixels. */
export interface Picture extends Frame {
  /** (channels, height, width), as the models take it. */
  readonly planes: Uint8Array;
}

export const GREY = { channels: 1, shown: [0] } as const;
export const RGB = { channels: 3, shown: [0, 1, 2] } as const;

/** Red, green, blue, opaque: what a canvas takes. */
export function toRgba({ width, height, shown, planes }: Picture): Uint8ClampedArray<ArrayBuffer> {
  const count = width * height;
  const [red, green, blue] = shown.length === 3 ? shown : [shown[0], shown[0], shown[0]];
  const rgba = new Uint8ClampedArray(4 * count);
  for (let pixel = 0; pixel < count; pixel++) {
    rgba[4 * pixel] = planes[red * count + pixel];
    rgba[4 * pixel + 1] = planes[green * count + pixel];
    rgba[4 * pixel + 2] = planes[blue * count + pixel];
    rgba[4 * pixel + 3] = 255;
  }
  return rgba;
}

/**
 * From RGBA pixels: one channel is grey, three are RGB, four are RGBA. For fewer than four, the pixels are opaque, such as
 * those of a canvas that was filled with white before the picture was drawn.
 */
export function fromRgba(rgba: Uint8ClampedArray, frame: Frame): Picture {
  const count = frame.width * frame.height;
  const planes = new Uint8Array(frame.channels * count);
  for (let pixel = 0; pixel < count; pixel++) {
    if (frame.channels === 1) planes[pixel] = luma(rgba, 4 * pixel);
    else for (let channel = 0; channel < frame.channels; channel++) planes[channel * count + pixel] = rgba[4 * pixel + channel];
  }
  return { ...frame, planes };
}

/** Values in [0, 1], (channels, height, width), clamped and rounded to 8 bits as the evaluator does. */
export function fromUnit(values: Float32Array, frame: Frame): Picture {
  const planes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) planes[i] = level(values[i] * 255);
  return { ...frame, planes };
}

/** 0..`most` as floats, (channels, height, width): the input of encoders. `most` is a multiple of 255. */
export function toLevels(picture: Picture, most: number): Float32Array {
  const step = most / 255;
  return Float32Array.from(picture.planes, (value) => value * step);
}

/** The nearest grey level, 0 to 255. */
export function level(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** The grey level of the pixel at `at`: ITU-R BT.601 in the whole numbers that Pillow, and so isthmus, computes with. */
function luma(rgba: Uint8ClampedArray, at: number): number {
  return (rgba[at] * 19595 + rgba[at + 1] * 38470 + rgba[at + 2] * 7471 + 0x8000) >> 16;
}
