import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../src/engine/engine";
import { latest } from "../src/engine/latest";
import type { Ask, Question } from "../src/engine/protocol";

const INPUT = Float32Array.of(1);

/** Notes what is asked, and answers each question with the number of questions so far. */
function noting(): { asked: string[]; ask: Ask } {
  const asked: string[] = [];
  const ask = async (question: Question) => {
    asked.push(question.kind === "start" ? "start" : `${question.kind} ${question.name}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return question.kind === "run" ? Float32Array.of(asked.length) : null;
  };
  return { asked, ask };
}

test("a model is loaded once, when it is first needed", async () => {
  const { asked, ask } = noting();
  const engine = new Engine(ask, (name) => name);
  await engine.run("encoder-0", INPUT, [1]);
  await engine.run("encoder-0", INPUT, [1]);
  assert.deepEqual(asked, ["start", "load encoder-0", "run encoder-0", "run encoder-0"]);
});

test("what is urgent goes before what only fills in", async () => {
  const { asked, ask } = noting();
  const engine = new Engine(ask, (name) => name);
  const all = [engine.run("a", INPUT, [1]), engine.run("b", INPUT, [1]), engine.run("c", INPUT, [1], { urgent: true })];
  await Promise.all(all);
  assert.deepEqual(asked.filter((question) => question.startsWith("run")), ["run a", "run c", "run b"]);
});

test("what nobody wants any more is not run", async () => {
  const { asked, ask } = noting();
  const engine = new Engine(ask, (name) => name);
  const first = engine.run("a", INPUT, [1]);
  const stale = engine.run("b", INPUT, [1], { stale: () => true });
  assert.equal(await stale, null);
  assert.ok(await first);
  assert.ok(!asked.includes("load b"));
});

test("an error reaches the one who asked, and the engine goes on", async () => {
  const ask: Ask = async (question) => {
    if (question.kind === "run" && question.name === "broken") throw new Error("no such operator");
    return INPUT;
  };
  const engine = new Engine(ask, (name) => name);
  await assert.rejects(engine.run("broken", INPUT, [1]), /no such operator/);
  assert.ok(await engine.run("whole", INPUT, [1]));
});

test("thinking is announced only where an answer takes noticeably long", async () => {
  const slow: Ask = async (question) => {
    await new Promise((resolve) => setTimeout(resolve, question.kind === "run" && question.name === "slow" ? 150 : 0));
    return INPUT;
  };
  const engine = new Engine(slow, (name) => name);
  const told: boolean[] = [];
  engine.onThinking = (thinking) => told.push(thinking);
  await engine.run("quick", INPUT, [1]);
  await engine.settled();
  assert.ok(!told.includes(true));
  await engine.run("slow", INPUT, [1]);
  await engine.settled();
  assert.deepEqual(told.slice(-2), [true, false]);
});

test("a call that is quick enough is finished, whatever waits", async () => {
  let left = 2;
  let finish = () => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  const work = latest(async (_: number, stale) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(!stale());
    if (--left === 0) finish();
  }, 10_000);
  work(1);
  work(2);
  await done;
});

test("of many calls the first and the last are worked on, the last with its own argument", async () => {
  const worked: number[] = [];
  let finish = () => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  const work = latest(async (argument: number, stale) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    worked.push(argument);
    if (argument === 1) assert.ok(stale(), "the first can see that it is no longer wanted");
    if (argument === 4) finish();
  }, 0);
  for (const argument of [1, 2, 3, 4]) work(argument);
  await done;
  assert.deepEqual(worked, [1, 4]);
});
