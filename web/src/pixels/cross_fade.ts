import { level, type Picture } from "./picture";

/** The mean of two pictures, pixel by pixel: all of `a` at 0, all of `b` at 1. */
export function crossFade(a: Picture, b: Picture, at: number): Picture {
  return { ...a, planes: a.planes.map((value, i) => level((1 - at) * value + at * b.planes[i])) };
}
