// The engine's module: it runs in a worker, or is imported by the page where no worker can be made.

import type { Question, Reply } from "./protocol";
import { answer } from "./sessions";

export { answer };

if (typeof document === "undefined") {
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
