import { RGB, type Picture } from "./picture";

/** Grey levels (of 255) at which the scale ends, in every map of every page; larger errors get its last colour. */
export const ERROR_LIMIT = 64;

// The report's scale. Luminance always rises, so the scale works in a grey print and for colour-blind readers.
const ANCHORS = [[8, 10, 24], [22, 50, 104], [14, 112, 130], [92, 178, 98], [240, 222, 84], [255, 253, 228]];

/** The colours of the scale, one a grey level from 0 to ERROR_LIMIT. */
export const ERROR_COLOURS: readonly (readonly number[])[] = Array.from({ length: ERROR_LIMIT + 1 }, (_, error) => {
  const place = (error / ERROR_LIMIT) * (ANCHORS.length - 1);
  const below = Math.min(Math.floor(place), ANCHORS.length - 2);
  return [0, 1, 2].map((channel) => {
    const [low, high] = [ANCHORS[below][channel], ANCHORS[below + 1][channel]];
    return Math.round(low + (place - below) * (high - low));
  });
});

/** The absolute error of every pixel, averaged over its channels, in the scale's colours. */
export function errorMap(output: Picture, original: Picture): Picture {
  const { width, height, channels } = output;
  const count = width * height;
  const planes = new Uint8Array(3 * count);
  for (let pixel = 0; pixel < count; pixel++) {
    let sum = 0;
    for (let i = pixel; i < channels * count; i += count) sum += Math.abs(output.planes[i] - original.planes[i]);
    const colour = ERROR_COLOURS[Math.min(Math.round(sum / channels), ERROR_LIMIT)];
    for (let channel = 0; channel < 3; channel++) planes[channel * count + pixel] = colour[channel];
  }
  return { ...RGB, width, height, planes };
}

/** The scale itself, one pixel high, zero error on the left. */
export function errorScale(): Picture {
  const width = ERROR_COLOURS.length;
  const planes = Uint8Array.from({ length: 3 * width }, (_, i) => ERROR_COLOURS[i % width][Math.floor(i / width)]);
  return { ...RGB, width, height: 1, planes };
}
