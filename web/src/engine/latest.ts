/** Minimum time for a call while a later one waits: without it, a slider in constant motion would never finish a call. */
const PATIENCE_MS = 60;

/**
 * Work for which only the newest call counts: while one call runs, one later call waits, and a newer one replaces it.
 *
 * `stale` tells the work that a later call is waiting, so that it can stop early.
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
