/** So long a call may go on while a later one waits: without it a slider that never rests would finish nothing. */
const PATIENCE_MS = 60;

/**
 * Work of which only the newest call counts: while one runs, later calls wait in one place and replace each other.
 *
 * `stale` tells the work that a later call has been waiting for it, so that it can stop early.
 */
export function latest<A>(
  work: (argument: A, stale: () => boolean) => Promise<void>,
  patience_ms = PATIENCE_MS,
): (argument: A) => void {
  let running = false;
  let waiting: { argument: A } | null = null;
  const take = () => {
    const next = waiting;
    waiting = null;
    return next;
  };
  const run = async () => {
    running = true;
    try {
      for (let next = take(); next; next = take()) {
        const begun = performance.now();
        await work(next.argument, () => waiting !== null && performance.now() - begun >= patience_ms);
      }
    } finally {
      running = false;
    }
  };
  return (argument) => {
    waiting = { argument };
    if (!running) void run();
  };
}
