import { level, type Picture } from "./picture";

/** Part of a picture, in its pixels; edges may lie between two pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** One output pixel's share of the source along one axis: `weights` from `first` on, which add up to 1. */
interface Share {
  readonly first: number;
  readonly weights: Float64Array;
}

/** `part` of the picture at width x height: each new pixel is the mean of the area that it covers. */
export function shrink(picture: Picture, part: Rectangle, width: number, height: number): Picture {
  const across = shares(part.left, part.width, width, picture.width);
  const down = shares(part.top, part.height, height, picture.height);
  const planes = new Uint8Array(picture.channels * width * height);
  const row = new Float64Array(picture.width);
  for (let channel = 0; channel < picture.channels; channel++) {
    const plane = picture.planes.subarray(channel * picture.width * picture.height);
    down.forEach(({ first, weights }, y) => {
      row.fill(0);
      weights.forEach((weight, k) => {
        const start = (first + k) * picture.width;
        for (let x = 0; x < picture.width; x++) row[x] += weight * plane[start + x];
      });
      across.forEach((share, x) => {
        let sum = 0;
        for (let k = 0; k < share.weights.length; k++) sum += share.weights[k] * row[share.first + k];
        planes[(channel * height + y) * width + x] = level(sum);
      });
    });
  }
  return { ...picture, width, height, planes };
}

function shares(start: number, length: number, count: number, limit: number): Share[] {
  return Array.from({ length: count }, (_, i) => {
    const low = Math.max(0, start + (i * length) / count);
    const high = Math.min(limit, start + ((i + 1) * length) / count);
    const first = Math.min(Math.floor(low), limit - 1);
    const last = Math.max(first + 1, Math.min(Math.ceil(high), limit));
    const covered = (pixel: number) => Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel));
    const weights = Float64Array.from({ length: last - first }, (_, k) => covered(first + k));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: sum > 0 ? weights.map((weight) => weight / sum) : weights.fill(1 / weights.length) };
  });
}
