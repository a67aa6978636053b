import assert from "node:assert/strict";
import { test } from "node:test";
import { CropFrame } from "../src/pixels/crop_frame";
import { crossFade } from "../src/pixels/cross_fade";
import { ERROR_COLOURS, ERROR_LIMIT, errorMap } from "../src/pixels/error_map";
import { addNoise } from "../src/pixels/noise";
import { planesFromText, planesToText, textLength } from "../src/pixels/own_text";
import { fromRgba, fromUnit, GREY, RGB, toLevels, toRgba, type Picture } from "../src/pixels/picture";
import { psnr } from "../src/pixels/psnr";
import { shrink } from "../src/pixels/shrink";
import { ssim } from "../src/pixels/ssim";

type Rule = (x: number, y: number, channel: number) => number;

/** (channels, height, width) of a rule. */
function picture(width: number, height: number, rule: Rule, look: Pick<Picture, "channels" | "shown"> = RGB): Picture {
  const planes = Uint8Array.from({ length: look.channels * width * height }, (_, i) => {
    const pixel = i % (width * height);
    return rule(pixel % width, Math.floor(pixel / width), Math.floor(i / (width * height)));
  });
  return { ...look, width, height, planes };
}

const waves = picture(16, 14, (x, y, c) => (x * 37 + y * 91 + c * 53 + x * y * 7) % 256);
const other = picture(16, 14, (x, y, c) => (x * 35 + y * 95 + c * 50 + x * y * 7) % 256);
const grey = (level: number, side = 32) => picture(side, side, () => level);

test("pixels go to a canvas and back", () => {
  assert.deepEqual(fromRgba(toRgba(waves), waves), waves);
  const ramp = picture(16, 14, (x, y) => 16 * x + y, GREY);
  assert.deepEqual(fromRgba(toRgba(ramp), ramp), ramp);
});

test("outputs are clamped and rounded to 8 bits", () => {
  const { planes } = fromUnit(Float32Array.of(-0.5, 0, 0.5 / 255, 0.499 / 255, 1, 7), { ...RGB, width: 2, height: 1 });
  assert.deepEqual([...planes], [0, 0, 1, 0, 255, 255]);
});

test("a canvas shows the chosen channels alone, one as grey", () => {
  const twelve = { channels: 12, shown: [7, 2, 11] };
  const rule: Rule = (x, _, channel) => 10 * channel + x;
  assert.deepEqual([...toRgba(picture(2, 1, rule, twelve))], [70, 20, 110, 255, 71, 21, 111, 255]);
  assert.deepEqual([...toRgba(picture(1, 1, rule, { channels: 2, shown: [1] }))], [10, 10, 10, 255]);
});

test("a reader's picture becomes grey by luma as Pillow computes it, and keeps its transparency as a fourth channel", () => {
  const rgba = Uint8ClampedArray.of(255, 0, 0, 255, 10, 200, 30, 255);
  assert.deepEqual([...fromRgba(rgba, { ...GREY, width: 2, height: 1 }).planes], [76, 124]);
  const four = fromRgba(Uint8ClampedArray.of(1, 2, 3, 4, 5, 6, 7, 8), { channels: 4, shown: [0, 1, 2], width: 2, height: 1 });
  assert.deepEqual([...four.planes], [1, 5, 2, 6, 3, 7, 4, 8]);
});

test("encoders of 16-bit images get levels up to 65,535", () => {
  const steps = picture(3, 1, (x) => [0, 100, 255][x], GREY);
  assert.deepEqual([...toLevels(steps, 65535)], [0, 25700, 65535]);
  assert.deepEqual([...toLevels(steps, 255)], [0, 100, 255]);
});

test("every channel counts in PSNR, SSIM, error map, noise and shrinking, also where it is not shown", () => {
  const look = { channels: 5, shown: [0, 1, 2] };
  const clean = picture(16, 14, (x, y, c) => (x * 37 + y * 91 + c * 53 + x * y * 7) % 256, look);
  const last = { ...clean, planes: clean.planes.map((value, i) => (i < 4 * 16 * 14 ? value : 255 - value)) };
  const alone = { ...GREY, width: 16, height: 14 };
  const plane = ({ planes }: Picture, channel: number) => ({ ...alone, planes: planes.slice(channel * 224, (channel + 1) * 224) });
  assert.ok(psnr(last, clean) < 30);
  const mean = [0, 1, 2, 3, 4].reduce((sum, channel) => sum + ssim(plane(last, channel), plane(clean, channel)), 0) / 5;
  assert.ok(Math.abs(ssim(last, clean) - mean) < 1e-12);
  const error = Math.abs(last.planes[4 * 224] - clean.planes[4 * 224]);
  const map = errorMap(last, clean);
  assert.deepEqual([map.planes[0], map.planes[224], map.planes[448]], ERROR_COLOURS[Math.round(error / 5)]);
  const peppered = addNoise(clean, { kind: "pepper", strength: 60, seed: 3 });
  const hit = (channel: number) => [...plane(peppered, channel).planes.keys()].filter((i) => peppered.planes[i] === 0 && clean.planes[i] !== 0);
  for (const place of hit(0)) assert.equal(peppered.planes[4 * 224 + place], 0);
  assert.deepEqual(shrink(clean, { left: 0, top: 0, width: 16, height: 14 }, 16, 14), clean);
});

test("PSNR in dB, and of an exact copy", () => {
  assert.equal(psnr(grey(10), grey(20)).toFixed(4), (20 * Math.log10(25.5)).toFixed(4));
  assert.equal(psnr(grey(9), grey(9)).toFixed(1), "83.0");
});

test("SSIM agrees with scikit-image", () => {
  assert.equal(ssim(waves, waves), 1);
  assert.ok(Math.abs(ssim(waves, other) - SSIM_OF_WAVES) < 1e-6, String(ssim(waves, other)));
});

test("SSIM of a picture smaller than its window is not a number", () => {
  assert.ok(Number.isNaN(ssim(grey(3, 10), grey(4, 10))));
});

test("the error map is one scale for all: black without error, its last colour at the limit and beyond", () => {
  const colour = ({ planes }: Picture) => [planes[0], planes[1024], planes[2048]];
  assert.deepEqual(colour(errorMap(grey(7), grey(7))), ERROR_COLOURS[0]);
  assert.deepEqual(colour(errorMap(grey(100), grey(132))), ERROR_COLOURS[ERROR_LIMIT / 2]);
  assert.deepEqual(colour(errorMap(grey(0), grey(255))), ERROR_COLOURS[ERROR_LIMIT]);
});

test("noise is the same for the same seed, and more of the same with more strength", () => {
  for (const kind of ["gaussian", "patches", "pepper"] as const) {
    const noisy = (strength: number, seed: number) => addNoise(grey(128), { kind, strength, seed }).planes;
    assert.deepEqual(noisy(0, 1), grey(128).planes, `${kind} of no strength changes nothing`);
    assert.deepEqual(noisy(30, 1), noisy(30, 1));
    if (kind !== "patches") assert.notDeepEqual(noisy(30, 1), noisy(30, 2));
  }
});

test("Gaussian noise has the standard deviation asked for, in grey levels", () => {
  const { planes } = addNoise(grey(128, 64), { kind: "gaussian", strength: 20, seed: 5 });
  const variance = planes.reduce((sum, value) => sum + (value - 128) ** 2, 0) / planes.length;
  assert.ok(Math.abs(Math.sqrt(variance) - 20) < 0.6, String(Math.sqrt(variance)));
});

test("patches and pepper cover the share asked for, in all channels at once", () => {
  const share = (kind: "patches" | "pepper", hit: (value: number) => boolean) => {
    const { planes } = addNoise(grey(200, 64), { kind, strength: 25, seed: 4 });
    const count = 64 * 64;
    const pixels = Array.from({ length: count }, (_, i) => [planes[i], planes[count + i], planes[2 * count + i]]);
    assert.ok(pixels.every(([r, g, b]) => r === g && g === b));
    return pixels.filter(([r]) => hit(r)).length / count;
  };
  assert.equal(share("patches", (value) => value === 128), 0.25);
  assert.ok(Math.abs(share("pepper", (value) => value === 0 || value === 255) - 0.25) < 0.02);
});

test("shrinking takes the mean of the area that a pixel covers", () => {
  const steps = picture(4, 4, (x, y) => 10 * x + 40 * y);
  const whole = { left: 0, top: 0, width: 4, height: 4 };
  assert.deepEqual([...shrink(steps, whole, 2, 2).planes.slice(0, 4)], [25, 45, 105, 125]);
  const shifted = { left: 0.5, top: 0, width: 2, height: 2 };
  // Half of column 0, all of column 1, half of column 2: their mean is column 1's.
  assert.deepEqual([...shrink(steps, shifted, 1, 1).planes.slice(0, 1)], [30]);
});

test("a small picture is enlarged without a hole", () => {
  const two = picture(2, 1, (x) => 100 * x);
  assert.deepEqual([...shrink(two, { left: 0, top: 0, width: 2, height: 1 }, 4, 2).planes.slice(0, 4)], [0, 0, 100, 100]);
});

test("the crop frame keeps its proportions and stays inside", () => {
  const frame = CropFrame.largest({ width: 300, height: 200 }, 1);
  assert.deepEqual(frame.rectangle, { left: 50, top: 0, width: 200, height: 200 });
  assert.equal(frame.moved(500, 500).rectangle.left, 100);
  assert.equal(frame.sized(900).rectangle.width, 200);
  assert.equal(frame.sized(1).rectangle.width, 10);
  const cornered = frame.cornered(0, 0, 110, 0).rectangle;
  assert.deepEqual(cornered, { left: 50, top: 0, width: 200, height: 200 }, "the longer pull counts");
  const smaller = frame.cornered(0, 0, 130, 90).rectangle;
  assert.deepEqual(smaller, { left: 130, top: 80, width: 120, height: 120 }, "the opposite corner stays");
});

test("a cross-fade is the mean of the pixels", () => {
  assert.equal(crossFade(grey(10), grey(20), 0.5).planes[0], 15);
  assert.deepEqual(crossFade(waves, other, 0), waves);
  assert.deepEqual(crossFade(waves, other, 1), other);
});

test("a reader's picture travels in a link and comes back to the bit", () => {
  const text = planesToText(waves.planes);
  assert.match(text, /^[\w-]+$/);
  assert.equal(text.length, textLength(waves.planes.length));
  assert.deepEqual(planesFromText(text), waves.planes);
});

// skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)
const SSIM_OF_WAVES = 0.7771527314;
