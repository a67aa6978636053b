/** What the page asks of the engine. Models and runtime are base64 of gzip, as the page holds them. */
export type Question =
  | { readonly kind: "start"; readonly runtime: string }
  | { readonly kind: "load"; readonly name: string; readonly model: string }
  | { readonly kind: "run"; readonly name: string; readonly input: Float32Array; readonly shape: readonly number[] };

/** What a question of kind "run" is answered with; the others have no answer but that they are done. */
export type Answer = Float32Array | null;

/** What the worker sends back. */
export interface Reply {
  readonly id: number;
  readonly answer: Answer;
  /** Why there is no answer; empty where all went well. */
  readonly error: string;
}

/** Who answers questions, one after the other: a worker, or where there can be none the page itself. */
export type Ask = (question: Question) => Promise<Answer>;
