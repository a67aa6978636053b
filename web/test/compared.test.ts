import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, noiseWords } from "../src/page/compared";

test("under 0.1 dB a model is the same as PCA, whatever its sign", () => {
  for (const difference of [0, 0.05, -0.05, 0.0999, -0.0999]) {
    assert.deepEqual(compared(difference, "PCA"), { text: "same as PCA", tone: "even" });
  }
});

test("from 0.1 dB on the difference is told", () => {
  assert.deepEqual(compared(0.1, "PCA"), { text: "+0.10 dB against PCA", tone: "better" });
  assert.deepEqual(compared(-0.25, "latent-10"), { text: "−0.25 dB against latent-10", tone: "worse" });
});

test("the noise panel claims only what the page can show", () => {
  const plain = { name: "latent-10", corruption: "none", plain: null };
  assert.equal(noiseWords([plain]), "This model was trained without noise.");
  assert.equal(noiseWords([plain, plain]), "These models were trained without noise.");
  const denoise = { name: "denoise", corruption: "gaussian", plain: 0 };
  assert.equal(noiseWords([plain, denoise]), "Trained with noise: denoise (gaussian); the others without.");
  const alone = noiseWords([{ name: "denoise", corruption: "gaussian" }]);
  assert.match(alone, /^Trained with noise: denoise \(gaussian\)\. The version of denoise trained without noise is not on this page/);
});
