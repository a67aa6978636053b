import type { Panel } from "../state/state";

/** The panel that the page opens with. It is drawn before all others, so a shared link shows what it links to first. */
export class Opening {
  /** Resolves when the panel shows all that it has. */
  readonly drawn: Promise<void>;
  private finish: () => void = () => {};

  constructor(readonly panel: Panel) {
    this.drawn = new Promise((resolve) => (this.finish = resolve));
  }

  /** Resolves when `panel` may begin to draw. */
  turnOf(panel: Panel): Promise<void> {
    return panel === this.panel ? Promise.resolve() : this.drawn;
  }

  /** To be called when `panel` shows all that it has. */
  done(panel: Panel): void {
    if (panel === this.panel) this.finish();
  }
}

const ACTS = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

/**
 * Puts a panel at the top of the window and keeps it there while parts above it still get their content.
 *
 * Ends when the reader does something, or after the returned function is called. Safari has no scroll anchoring.
 */
export function hold(name: Panel): () => void {
  const panel = document.getElementById(name) as HTMLElement;
  const put = () => panel.scrollIntoView({ behavior: "instant" });
  const growth = new ResizeObserver(put);
  const end = () => {
    growth.disconnect();
    for (const act of ACTS) removeEventListener(act, end);
  };
  for (const act of ACTS) addEventListener(act, end, { passive: true });
  history.scrollRestoration = "manual"; // else a reload scrolls on to where the reader was, once the page is long enough
  put();
  document.getElementById(`${name}-title`)?.focus({ preventScroll: true });
  if (panel.parentElement) growth.observe(panel.parentElement);
  // The last content above has no size before the next frame.
  return () => requestAnimationFrame(() => requestAnimationFrame(end));
}
