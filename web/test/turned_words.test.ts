import assert from "node:assert/strict";
import { test } from "node:test";
import { cellName, codeWords, turnedWords, type KnobPlace } from "../src/page/turned_words";

const at = ({ place }: KnobPlace) => place + 0.5;

test("nothing turned has no words", () => {
  assert.equal(turnedWords({ directions: {}, numbers: {} }, { order: "numbers", place: 0 }, at), null);
  assert.equal(codeWords({}, 3, 8), null);
});

test("the knob turned last is named with its place, and the others are counted", () => {
  const turns = { directions: { 0: 1, 4: -1 }, numbers: { 2: 0.5 } };
  assert.equal(turnedWords(turns, { order: "directions", place: 4 }, at), "Direction 5 at +4.50 σ, 2 more");
  assert.equal(turnedWords(turns, { order: "numbers", place: 2 }, at), "z3 at +2.50 σ, 2 more");
  assert.equal(turnedWords({ directions: { 0: 1 }, numbers: {} }, null, at), "Direction 1 at +0.50 σ");
});

test("a knob that was put back is not named", () => {
  const turns = { directions: { 1: 1 }, numbers: {} };
  assert.equal(turnedWords(turns, { order: "directions", place: 0 }, at), "Direction 2 at +1.50 σ");
});

test("a changed code is named by its row and column", () => {
  assert.equal(codeWords({ 0: 5, 10: 17 }, 10, 8), "Row 2, column 3: code 17, 1 more");
  assert.equal(codeWords({ 0: 5 }, 10, 8), "Row 1, column 1: code 5");
  assert.equal(cellName(63, 8), "Row 8, column 8");
});
