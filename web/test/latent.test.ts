import assert from "node:assert/strict";
import { test } from "node:test";
import { Codebook } from "../src/latent/codes";
import { mixtureDraws, priorDraws } from "../src/latent/draws";
import { nearest } from "../src/latent/neighbours";
import { between } from "../src/latent/paths";
import { Tensors } from "../src/latent/safetensors";
import { LatentSpace } from "../src/latent/space";
import { positions, turn, turned, UNTURNED } from "../src/latent/turns";
import { latentTensors, rounded, safetensors } from "./tensors";

const space = new LatentSpace(latentTensors());

test("a safetensors file gives back its numbers, wherever they begin", () => {
  const tensors = latentTensors();
  assert.deepEqual([...tensors.numbers("mean", "F32")], [1, 2, 3]);
  assert.deepEqual([...tensors.numbers("steps", "I8")], [127, 0, 0, 0, 127, -127]);
  assert.deepEqual(tensors.shape("steps"), [2, 3]);
  assert.equal(tensors.has("__metadata__"), false);
});

test("a missing tensor, a wrong type and a cut file are errors", () => {
  const tensors = latentTensors();
  assert.throws(() => tensors.numbers("nothing", "F32"), /no tensor nothing/);
  assert.throws(() => tensors.numbers("mean", "I8"), /mean is F32, not I8/);
  assert.throws(() => new Tensors(safetensors({}).slice(0, 12)), /ends inside its header/);
});

test("principal coordinates are in standard deviations, and lead back", () => {
  const z = Float32Array.of(5, 2 + Math.SQRT1_2, 3 - Math.SQRT1_2);
  assert.deepEqual(rounded(space.coordinates(z)), [2, 2]);
  assert.deepEqual(rounded(space.at(Float32Array.of(2, 2))), rounded(z));
  assert.equal(space.share(0), 0.75);
});

test("numbers by variance: widest first", () => {
  assert.deepEqual(space.byVariance(), [0, 1, 2]);
});

test("knobs of both orders add up, and each goes back alone", () => {
  const start = Float32Array.of(1, 2, 3);
  let turns = turn(UNTURNED, "directions", 0, 1.5);
  turns = turn(turns, "numbers", 1, -2);
  const z = turned(space, start, turns);
  assert.deepEqual(rounded(z), [4, 0, 3]);
  assert.deepEqual(rounded(positions(space, start, turns, "numbers")), [1.5, -2, 0]);
  assert.deepEqual(rounded(positions(space, start, turns, "directions")), rounded([1.5, (-2 * Math.SQRT1_2) / 0.5]));
  turns = turn(turns, "directions", 0, -1.5);
  assert.deepEqual(turns, { directions: {}, numbers: { 1: -2 } });
});

test("turns beyond the latent, as a link may name, are left out", () => {
  const turns = { directions: { 9: 1 }, numbers: { 70: 1 } };
  assert.deepEqual([...turned(space, space.mean, turns)], [1, 2, 3]);
});

test("a straight way and the way along the sphere meet at both ends", () => {
  const [a, b] = [Float32Array.of(2, 0), Float32Array.of(0, 2)];
  for (const path of ["straight", "sphere"] as const) {
    assert.deepEqual(rounded(between(a, b, 0, path)), [2, 0]);
    assert.deepEqual(rounded(between(a, b, 1, path)), [0, 2]);
  }
  assert.deepEqual(rounded(between(a, b, 0.5, "straight")), [1, 1]);
  assert.deepEqual(rounded(between(a, b, 0.5, "sphere")), rounded([Math.SQRT2, Math.SQRT2]));
});

test("along the sphere from a latent to itself, or from the centre, is the straight line", () => {
  const a = Float32Array.of(1, 2);
  assert.deepEqual(rounded(between(a, a, 0.3, "sphere")), [1, 2]);
  assert.deepEqual(rounded(between(Float32Array.of(0, 0), a, 0.5, "sphere")), [0.5, 1]);
});

test("draws of the prior are standard normal, the same for the same seed and place", () => {
  const draw = priorDraws(4000);
  const z = draw(3, 0);
  assert.deepEqual(draw(3, 0), z);
  assert.notDeepEqual(draw(3, 1), z);
  const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
  const variance = z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / z.length;
  assert.ok(Math.abs(mean) < 0.06 && Math.abs(variance - 1) < 0.1, `mean ${mean}, variance ${variance}`);
});

test("draws of a mixture lie where its components lie", () => {
  const tensors = new Tensors(
    safetensors({
      "mixture/weights": { dtype: "F32", shape: [2], data: Float32Array.of(0.25, 0.75) },
      "mixture/means": { dtype: "F32", shape: [2, 1], data: Float32Array.of(-10, 10) },
      "mixture/factors": { dtype: "F32", shape: [2, 1, 1], data: Float32Array.of(0.1, 0.1) },
    }),
  );
  const draw = mixtureDraws(space, tensors);
  const first = Array.from({ length: 400 }, (_, place) => space.coordinates(draw(1, place))[0]);
  assert.ok(first.every((value) => Math.abs(Math.abs(value) - 10) < 1));
  const high = first.filter((value) => value > 0).length;
  assert.ok(high > 265 && high < 335, `${high} of 400 in the component of weight 0.75`);
});

test("a code grid is read by the nearest vector and written position by position", () => {
  const book = new Codebook(Float32Array.of(0, 0, 1, 1, 5, -5), 3);
  // (C, positions): channel 0 of both positions, then channel 1.
  const z = Float32Array.of(0.9, 4.8, 1.2, -5.1);
  assert.deepEqual([...book.read(z)], [1, 2]);
  assert.deepEqual([...book.read(book.write(z, { 0: 2 }))], [2, 2]);
  assert.deepEqual([...book.snap(z)], [1, 5, 1, -5]);
  assert.deepEqual(book.write(z, { 0: 3, 7: 1 }), z, "a code or a position that is not there changes nothing");
});

test("nearest neighbours count in units of the scale, and leave dead numbers out", () => {
  const table = [0, 0, 3, 0, 0, 5];
  assert.deepEqual(nearest([0, 0], table, 2), [0, 1]);
  assert.deepEqual(nearest([0, 4], table, 1), [2]);
  assert.deepEqual(nearest([2.9, 4], table, 1, [1, 0]), [1]);
});
