import { openDialog } from "../widgets/dialog";
import { el } from "./dom";

/** A line of the keyboard help: names of keys, and what they do. */
export interface KeyLine {
  readonly names: readonly string[];
  readonly does: string;
}

const IN_PANELS: readonly KeyLine[] = [
  { names: ["Tab"], does: "from one control to the next" },
  { names: ["Arrows"], does: "turn a knob, move a slider; walk over small pictures, codes, dreams or the map" },
  { names: ["Page Up", "Page Down"], does: "the same in large steps, on a knob or a slider" },
  { names: ["Home", "End"], does: "the least and the most, on a knob or a slider" },
  { names: ["Enter"], does: "choose the picture, place the code, take the dream to the knobs" },
  { names: ["Delete"], does: "put one knob back" },
  { names: ["+", "−"], does: "size the frame around your own picture; arrows move it, Enter uses it" },
  { names: ["Escape"], does: "close a dialog such as this one" },
];

/** everywhere: the keys that work wherever the focus is. */
export function openHelp(everywhere: readonly KeyLine[]): void {
  openDialog(
    "Keys", "Close",
    el("h3", {}, "Anywhere"), table(everywhere),
    el("h3", {}, "On what has the focus"), table(IN_PANELS),
  );
}

function table(lines: readonly KeyLine[]): HTMLElement {
  const line = ({ names, does }: KeyLine) =>
    el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", {}, name))), el("dd", {}, does));
  return el("dl", { class: "keys" }, ...lines.map(line));
}
