import type { State } from "./state";

type Listener = (state: State) => void;

/** The only place that holds the state; code that shows part of it subscribes to changes of that part. */
export class Store {
  private readonly listeners: { keys: readonly (keyof State)[]; listener: Listener }[] = [];

  constructor(private state: State) {}

  get(): State {
    return this.state;
  }

  set(change: Partial<State>): void {
    const before = this.state;
    this.state = { ...before, ...change };
    for (const { keys, listener } of this.listeners) {
      if (keys.some((key) => before[key] !== this.state[key])) listener(this.state);
    }
  }

  /** Calls `listener` whenever one of `keys` has changed. */
  on(keys: readonly (keyof State)[], listener: Listener): void {
    this.listeners.push({ keys, listener });
  }
}
