import assert from "node:assert/strict";
import { test } from "node:test";
import { fromFragment, LONGEST_OWN, toFragment, type Bounds } from "../src/state/fragment";
import { pictureInLink, withoutOwn } from "../src/page/link";
import { START, type State } from "../src/state/state";
import { Store } from "../src/state/store";

const BOUNDS: Bounds = { models: 4, shown: 100, points: 1000, planes: ["PCA", "t-SNE"], ownPixels: 8 };

test("the state that a page begins with has an empty fragment", () => {
  assert.equal(toFragment(START), "");
  assert.deepEqual(fromFragment("", BOUNDS), START);
});

test("every part of the state travels in a link", () => {
  const state: State = {
    panel: "noise",
    model: 3,
    image: { kind: "own", pixels: "AbC_-123" },
    other: { kind: "point", place: 999 },
    at: 0.125,
    path: "sphere",
    order: "numbers",
    turns: { directions: { 0: 1.5, 7: -2.25 }, numbers: { 3: 0.5 } },
    codes: { 5: 511 },
    drawn: { seed: 9, place: 23 },
    noise: { kind: "pepper", strength: 12, seed: 77 },
    dream: 4321,
    plane: "t-SNE",
  };
  assert.deepEqual(fromFragment(toFragment(state), BOUNDS), state);
});

test("a link that names what is not there, or is no link of ours, begins as usual", () => {
  const wrong = [
    "model=4&image=shown.100&to=point.1000&at=2&noise=gaussian.900.1&plane=UMAP&dream=-1&draw=1&panel=<b>",
    "model=NaN&image=own.<img>&image=own.AAAA&noise=toString.1.1&turn=x:1,2:y,-1:3,1:1e9&code=__proto__:1",
    "%%%&=&==&image",
    "code=5:1.5",
  ];
  for (const fragment of wrong) assert.deepEqual(fromFragment(fragment, BOUNDS), START, fragment);
});

test("a picture too long for a link is left out of it", () => {
  const pixels = "A".repeat(LONGEST_OWN + 4);
  assert.equal(toFragment({ ...START, image: { kind: "own", pixels } }), "");
});

test("who listens to a part of the state is told of its changes alone", () => {
  const store = new Store(START);
  const told: number[] = [];
  store.on(["model"], ({ model }) => told.push(model));
  store.set({ at: 0.75 });
  store.set({ model: 2 });
  store.set({ model: 2 });
  assert.deepEqual(told, [2]);
  assert.equal(store.get().at, 0.75);
});

test("a link without the reader's picture keeps everything else", () => {
  const own: State = { ...START, panel: "knobs", image: { kind: "own", pixels: "AbC_-123" }, turns: { directions: { 0: 1 }, numbers: {} } };
  assert.equal(withoutOwn(own), "panel=knobs&turn=0%3A1");
  assert.equal(withoutOwn({ ...START, image: { kind: "point", place: 3 } }), "image=point.3");
});

test("a link says whether it can hold the picture", () => {
  const held = (pixels: string) => pictureInLink({ ...START, image: { kind: "own", pixels } });
  assert.equal(pictureInLink(START), "page");
  assert.equal(held("A".repeat(LONGEST_OWN)), "own");
  assert.equal(held("A".repeat(LONGEST_OWN + 4)), "too long");
});
