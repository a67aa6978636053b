// The engine's script: it runs in a worker, or in the page itself if no worker can be created.

import type { Ask, Question, Reply } from "./protocol";
import { answer } from "./sessions";

declare global {
  /** The entry point for a page that runs the script itself. */
  var isthmusEngine: Ask | undefined;
}

if (typeof document === "undefined") serve();
else globalThis.isthmusEngine = answer;

/** Answers one message after the other. */
function serve(): void {
  let turn: Promise<void> = Promise.resolve();
  addEventListener("message", ({ data }: MessageEvent<{ id: number; question: Question }>) => {
    turn = turn.then(() => reply(data.id, data.question));
  });
  postMessage("here");
}

async function reply(id: number, question: Question): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, answer: await answer(question), error: "" };
  } catch (error) {
    reply = { id, answer: null, error: error instanceof Error ? error.message : String(error) };
  }
  postMessage(reply, { transfer: reply.answer ? [reply.answer.buffer] : [] });
}
