import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { unpack } from "../src/engine/unpack";

test("what the page holds comes out as it went in", async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * i) % 251);
  assert.deepEqual(await unpack(gzipSync(bytes).toString("base64")), bytes);
});

test("a damaged part is said to be one", async () => {
  for (const text of ["AAAA", "no base64!", gzipSync("whole").subarray(0, 12).toString("base64")]) {
    await assert.rejects(unpack(text), /damaged/, text);
  }
});
