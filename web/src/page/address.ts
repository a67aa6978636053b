import { textLength } from "../pixels/own_text";
import { fromFragment, readSubject, type Bounds } from "../state/fragment";
import { PANELS, type Panel, type State } from "../state/state";
import type { Store } from "../state/store";
import type { About } from "./about";
import { goTo } from "./bar";
import type { Context } from "./context";
import { hasAddress, withoutOwn } from "./link";

/** The address is updated when the reader pauses: browsers refuse more than a few changes per second. */
const PAUSE_MS = 300;

/** The state that the page was opened with. */
export function stateOfAddress(about: About): State {
  const bounds = boundsOf(about);
  const state = fromFragment(location.hash.slice(1), bounds);
  const own = readSubject(`own.${(history.state as Kept | null)?.own ?? ""}`, bounds);
  return own && state.image.kind !== "own" ? { ...state, image: own } : state;
}

/** What a reload of the page brings back, and a copied address does not. */
interface Kept {
  readonly own?: string;
}

/** Keeps the address and the state equal, in both directions. The reader's own picture stays out of the address. */
export function followAddress(context: Context): void {
  if (!hasAddress()) return;
  const { store, about } = context;
  let timer = 0;
  let written = location.hash.slice(1);
  store.on(Object.keys(store.get()) as (keyof State)[], (state) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      written = withoutOwn(state);
      const kept: Kept = state.image.kind === "own" ? { own: state.image.pixels } : {};
      history.replaceState(kept, "", `#${written}`);
    }, PAUSE_MS);
  });
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === written) return;
    const state = stateOfAddress(about);
    store.set(state);
    goTo(context, state.panel);
  });
}

/** Records which panel the reader looks at: the last one that has reached the middle of the window. */
export function followPanels(store: Store): void {
  const top = (panel: Panel) => document.getElementById(panel)?.getBoundingClientRect().top ?? Infinity;
  let waiting = false;
  const note = () => {
    waiting = false;
    const panel = PANELS.filter((each) => top(each) < innerHeight / 2).at(-1) ?? PANELS[0];
    if (panel !== store.get().panel) store.set({ panel });
  };
  const soon = () => {
    if (!waiting) requestAnimationFrame(note);
    waiting = true;
  };
  addEventListener("scroll", soon, { passive: true });
}

function boundsOf(about: About): Bounds {
  return {
    models: about.models.length,
    shown: about.shown.length,
    points: about.points.length,
    planes: about.models.flatMap(({ maps }) => maps),
    ownPixels: textLength(about.image_shape.reduce((product, size) => product * size, 1)),
  };
}
