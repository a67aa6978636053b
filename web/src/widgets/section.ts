import { el } from "../page/dom";
import type { Panel } from "../state/state";

/** A panel of the page: its heading, one sentence about its purpose, and its content. */
export function section(panel: Panel, title: string, lead: string, ...children: (Node | null)[]): HTMLElement {
  return el(
    "section",
    { id: panel, class: `panel ${panel}`, "aria-labelledby": `${panel}-title` },
    el("h2", { id: `${panel}-title`, tabindex: -1 }, title),
    el("p", { class: "lead" }, lead),
    ...children,
  );
}

/** The small print under a panel. */
export function how(text: string): HTMLElement {
  return el("p", { class: "how" }, text);
}
