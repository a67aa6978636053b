import script from "engine:script";
import type { Ask, Question, Reply } from "./protocol";

/** Answers questions in a worker, so that the page never freezes; in the page itself if no worker can be created. */
export async function answering(): Promise<Ask> {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    return await inWorker(url);
  } catch {
    await import(url);
    if (!globalThis.isthmusEngine) throw new Error("this browser cannot run the page's networks");
    return globalThis.isthmusEngine;
  }
}

/** Raises: the error that prevented the worker from starting. */
function inWorker(url: string): Promise<Ask> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url);
    const waiting = new Map<number, { resolve: (answer: Reply["answer"]) => void; reject: (error: Error) => void }>();
    let count = 0;
    const ask = (question: Question) =>
      new Promise<Reply["answer"]>((resolve, reject) => {
        waiting.set(++count, { resolve, reject });
        worker.postMessage({ id: count, question });
      });
    worker.onmessage = ({ data }: MessageEvent<Reply | "here">) => {
      if (data === "here") return resolve(ask);
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.error) asked?.reject(new Error(data.error));
      else asked?.resolve(data.answer);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error("no worker could be made"));
    };
  });
}
