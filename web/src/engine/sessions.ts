import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { Answer, Question } from "./protocol";
import { unpack } from "./unpack";

const sessions = new Map<string, InferenceSession>();

/** Answers one question with onnxruntime. Raises: Error if a model cannot be read or run. */
export async function answer(question: Question): Promise<Answer> {
  switch (question.kind) {
    case "start":
      env.wasm.wasmBinary = await unpack(question.runtime);
      // More threads need shared memory, which a page opened from a file never has.
      env.wasm.numThreads = 1;
      env.logLevel = "error";
      return null;
    case "load":
      sessions.set(question.name, await InferenceSession.create(await unpack(question.model)));
      return null;
    case "run":
      return run(question.name, question.input, question.shape);
  }
}

async function run(name: string, input: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  const session = sessions.get(name);
  if (session === undefined) throw new Error(`${name} has not been loaded`);
  const results = await session.run({ [session.inputNames[0]]: new Tensor("float32", input, shape) });
  // A copy, so that it can be transferred without the runtime's memory.
  return (results[session.outputNames[0]].data as Float32Array).slice();
}
