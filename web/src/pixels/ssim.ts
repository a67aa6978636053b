import type { Picture } from "./picture";

const RADIUS = 5;
const SIGMA = 1.5;
/** Side of the window, in pixels. */
export const WINDOW = 2 * RADIUS + 1;
const WEIGHTS = gaussianWindow();

/**
 * Structural similarity in a Gaussian window of 11 pixels, sigma 1.5; 1 for equal pictures.
 *
 * Computed per channel at each position where the whole window is inside the picture, then averaged; data range 1. NaN
 * for pictures less than 11 pixels high or wide, which have no such position.
 *
 * Source: Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861, eq. 13.
 */
export function ssim(output: Picture, original: Picture): number {
  const { width, height, channels } = output;
  if (Math.min(width, height) < WINDOW) return NaN;
  const size = width * height;
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) {
    const x = unit(output.planes.subarray(channel * size, (channel + 1) * size));
    const y = unit(original.planes.subarray(channel * size, (channel + 1) * size));
    sum += similarity(x, y, width, height);
  }
  return sum / channels;
}

/** The mean over one channel; x, y (height, width) in [0, 1]. */
function similarity(x: Float64Array, y: Float64Array, width: number, height: number): number {
  const means = (values: Float64Array) => windowMeans(values, width, height);
  const [meanX, meanY] = [means(x), means(y)];
  const [squareX, squareY, product] = [means(times(x, x)), means(times(y, y)), means(times(x, y))];
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const [mx, my] = [meanX[i], meanY[i]];
    const luminance = (2 * mx * my + 0.01 ** 2) / (mx * mx + my * my + 0.01 ** 2);
    const variances = squareX[i] - mx * mx + squareY[i] - my * my;
    const structure = (2 * (product[i] - mx * my) + 0.03 ** 2) / (variances + 0.03 ** 2);
    sum += luminance * structure;
  }
  return sum / meanX.length;
}

/** (height, width) -> (height - 10, width - 10): along the rows, then along the columns. */
function windowMeans(values: Float64Array, width: number, height: number): Float64Array {
  const inner = width - WINDOW + 1;
  const rows = new Float64Array(height * inner);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < inner; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += WEIGHTS[k] * values[y * width + x + k];
      rows[y * inner + x] = sum;
    }
  }
  const means = new Float64Array((height - WINDOW + 1) * inner);
  for (let i = 0; i < means.length; i++) {
    let sum = 0;
    for (let k = 0; k < WINDOW; k++) sum += WEIGHTS[k] * rows[i + k * inner];
    means[i] = sum;
  }
  return means;
}

function gaussianWindow(): Float64Array {
  const weights = Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - RADIUS) ** 2) / (2 * SIGMA ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function unit(levels: Uint8Array): Float64Array {
  return Float64Array.from(levels, (value) => value / 255);
}

function times(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value * b[i]);
}
