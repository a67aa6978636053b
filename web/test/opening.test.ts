import assert from "node:assert/strict";
import { test } from "node:test";
import { Opening } from "../src/page/opening";

test("other panels wait until the panel of the link is drawn", async () => {
  const opening = new Opening("map");
  const order: string[] = [];
  const waits = (["look", "map", "dream"] as const).map((panel) => opening.turnOf(panel).then(() => order.push(panel)));
  await waits[1];
  opening.done("look");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(order, ["map"]);
  opening.done("map");
  await Promise.all(waits);
  await opening.drawn;
  assert.deepEqual(order, ["map", "look", "dream"]);
});
