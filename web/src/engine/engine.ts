import type { Ask, Question } from "./protocol";

interface Job {
  readonly question: Question & { kind: "run" };
  readonly stale: () => boolean;
  readonly resolve: (output: Float32Array | null) => void;
  readonly reject: (error: unknown) => void;
}

export interface RunOptions {
  /** Run this job before all jobs that are not urgent. */
  readonly urgent?: boolean;
  /** Called at the job's turn: true if its output is no longer needed. */
  readonly stale?: () => boolean;
}

/** `onThinking` reports an answer that takes longer; a shorter wait feels immediate. */
const NOTICEABLE_MS = 100;

/** Runs the page's models one at a time, urgent jobs first; loads each model when it is first needed. */
export class Engine {
  /** Called with true when an answer is noticeably slow, and with false when all jobs are answered. */
  onThinking: (thinking: boolean) => void = () => {};
  private readonly urgent: Job[] = [];
  private readonly rest: Job[] = [];
  private readonly loaded = new Set<string>();
  private readonly started: Promise<unknown>;
  private working = false;
  private idle: (() => void)[] = [];
  private wake: () => void = () => {};

  /** blob: the text of a blob of the page, by its name. */
  constructor(
    private readonly ask: Ask,
    private readonly blob: (name: string) => string,
  ) {
    this.started = ask({ kind: "start", runtime: blob("runtime") });
  }

  /** The output of model `name` for `input` of `shape`; null if it became stale before its turn. */
  run(name: string, input: Float32Array, shape: readonly number[], options: RunOptions = {}): Promise<Float32Array | null> {
    return new Promise((resolve, reject) => {
      const question = { kind: "run", name, input, shape } as const;
      const stale = options.stale ?? (() => false);
      (options.urgent ? this.urgent : this.rest).push({ question, stale, resolve, reject });
      if (this.working) this.wake();
      else void this.work();
    });
  }

  /** Resolves when all jobs are answered. */
  settled(): Promise<void> {
    return this.working ? new Promise((resolve) => this.idle.push(resolve)) : Promise.resolve();
  }

  private async work(): Promise<void> {
    this.working = true;
    const timer = setTimeout(() => this.onThinking(true), NOTICEABLE_MS);
    for (let job = await this.next(); job; job = await this.next()) {
      if (job.stale()) job.resolve(null);
      else await this.answer(job);
    }
    clearTimeout(timer);
    this.onThinking(false);
    this.working = false;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  /** The next job; undefined if there is none, even after the callers have seen the last answer. */
  private async next(): Promise<Job | undefined> {
    if (this.urgent.length + this.rest.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve);
      });
    }
    return this.urgent.shift() ?? this.rest.shift();
  }

  private async answer({ question, resolve, reject }: Job): Promise<void> {
    try {
      await this.load(question.name);
      resolve(await this.ask(question));
    } catch (error) {
      reject(error);
    }
  }

  private async load(name: string): Promise<void> {
    if (this.loaded.has(name)) return;
    await this.started;
    await this.ask({ kind: "load", name, model: this.blob(name) });
    this.loaded.add(name);
  }
}
