import { PANELS, UNTOUCHED, type Panel } from "../state/state";
import { paint, pictureCanvas } from "../widgets/picture_canvas";
import type { Context } from "./context";
import { button, el } from "./dom";
import { shareButton } from "./share";

const TITLES: Readonly<Record<Panel, string>> = {
  look: "Look", knobs: "Knobs", morph: "Morph", map: "Map", noise: "Noise", dream: "Dream",
};

/** The bar that stays in view: the chosen picture, links to panels, whether the page is computing, and the share link. */
export function bar(context: Context): HTMLElement {
  const { store, gallery, engine } = context;
  const thumb = pictureCanvas(gallery.width, gallery.height, "The chosen picture");
  const links = PANELS.map((panel) =>
    el("a", { href: `#panel=${panel}`, onclick: (event: Event) => (event.preventDefault(), goTo(context, panel)) }, TITLES[panel]),
  );
  const thinking = el("span", { class: "thinking", role: "status" });
  engine.onThinking = (slow) => {
    thinking.textContent = slow ? "Thinking…" : "";
    document.documentElement.toggleAttribute("data-thinking", slow);
  };

  async function showPicture(): Promise<void> {
    const { image } = store.get();
    paint(thumb, await gallery.of(image));
    thumb.setAttribute("aria-label", `The chosen picture: ${gallery.describe(image)}`);
  }

  function mark(): void {
    links.forEach((link, i) => {
      if (PANELS[i] === store.get().panel) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  store.on(["image"], () => void showPicture());
  store.on(["panel"], mark);
  void showPicture();
  mark();
  const step = (by: number) => () => stepPicture(context, by);
  const element = el(
    "nav",
    { class: "bar", "aria-label": "Panels" },
    el("div", { class: "stepper" },
      button("‹", step(-1), { "aria-label": "Previous picture", title: "Key [" }), thumb,
      button("›", step(1), { "aria-label": "Next picture", title: "Key ]" })),
    el("div", { class: "links" }, ...links),
    thinking,
    shareButton(context),
  );
  tellHeight(element);
  return element;
}

/** What sticks below the bar, and where a panel stops after a jump, depend on the bar's height: the reader's font decides it. */
function tellHeight(bar: HTMLElement): void {
  const tell = () => document.documentElement.style.setProperty("--bar", `${Math.floor(bar.getBoundingClientRect().height)}px`);
  new ResizeObserver(tell).observe(bar);
}

/** The held-out picture before or after the chosen one. */
export function stepPicture({ store, gallery }: Context, by: number): void {
  const { image } = store.get();
  const count = gallery.shown.length;
  const place = image.kind === "shown" ? (image.place + by + count) % count : 0;
  store.set({ image: { kind: "shown", place }, ...UNTOUCHED });
}

/** Scrolls to a panel and moves the keyboard focus to it. */
export function goTo({ store }: Context, panel: Panel): void {
  store.set({ panel });
  document.getElementById(panel)?.scrollIntoView();
  document.getElementById(`${panel}-title`)?.focus({ preventScroll: true });
}
