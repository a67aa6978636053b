import { textLength } from "../pixels/own_text";
import { fromFragment, toFragment, type Bounds } from "../state/fragment";
import { PANELS, type Panel, type State } from "../state/state";
import type { Store } from "../state/store";
import type { About } from "./about";

/** The address is written when the reader pauses: browsers refuse more than some changes a second. */
const PAUSE_MS = 300;

/** The state that the page was opened with. */
export function stateOfAddress(about: About): State {
  return fromFragment(location.hash.slice(1), boundsOf(about));
}

/** Keeps the address and the state the same, both ways. */
export function followAddress(store: Store, about: About): void {
  let timer = 0;
  let written = location.hash.slice(1);
  store.on(Object.keys(store.get()) as (keyof State)[], (state) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      written = toFragment(state);
      history.replaceState(null, "", `#${written}`);
    }, PAUSE_MS);
  });
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) !== written) store.set(fromFragment(location.hash.slice(1), boundsOf(about)));
  });
}

/** Notes which panel the reader looks at: the one that covers the middle of the window. */
export function followPanels(store: Store): void {
  const observer = new IntersectionObserver(
    (entries) => {
      const seen = entries.filter((entry) => entry.isIntersecting).map(({ target }) => target.id as Panel);
      if (seen.length) store.set({ panel: seen[seen.length - 1] });
    },
    { rootMargin: "-45% 0px -50% 0px" },
  );
  for (const panel of PANELS) {
    const element = document.getElementById(panel);
    if (element) observer.observe(element);
  }
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
