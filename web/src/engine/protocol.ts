/** The page's questions to the engine. Models and runtime are base64 of gzip, as stored in the page. */
export type Question =
  | { readonly kind: "start"; readonly runtime: string }
  | { readonly kind: "load"; readonly name: string; readonly model: string }
  | { readonly kind: "run"; readonly name: string; readonly input: Float32Array; readonly shape: readonly number[] };

/** The answer to a question of kind "run"; for the other kinds it only means that they are done. */
export type Answer = Float32Array | null;

/** The worker's reply. */
export interface Reply {
  readonly id: number;
  readonly answer: Answer;
  /** Why there is no answer; empty if there was no error. */
  readonly error: string;
}

/** Answers questions, one after the other: in a worker, or in the page itself if no worker can be created. */
export type Ask = (question: Question) => Promise<Answer>;
