/**
 * Work of which only the newest call counts: while one runs, later calls wait in one place and replace each other.
 *
 * `stale` tells the work that a later call is waiting, so that it can stop early.
 */
export function latest<A>(work: (argument: A, stale: () => boolean) => Promise<void>): (argument: A) => void {
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
      for (let next = take(); next; next = take()) await work(next.argument, () => waiting !== null);
    } finally {
      running = false;
    }
  };
  return (argument) => {
    waiting = { argument };
    if (!running) void run();
  };
}
