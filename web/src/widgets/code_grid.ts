import { el } from "../page/dom";
import { cellName } from "../page/turned_words";
import { roving } from "./roving";

export interface CodeGrid {
  readonly element: HTMLElement;
  /** codes: what every position holds now; own: what the picture has there. */
  show(codes: Uint16Array, own: Uint16Array): void;
}

/** The golden angle: neighbouring codes get hues far apart. */
export function codeHue(code: number): string {
  return String((code * 137.508) % 360);
}

/** A discrete latent: a click, or Enter, gives a position the chosen code; a second one restores its own code. */
export function codeGrid(
  shape: readonly [number, number],
  codes: number,
  change: (position: number, code: number | null) => void,
): CodeGrid {
  const [rows, columns] = shape;
  const brush = el("input", { type: "number", min: 0, max: codes - 1, value: 0, step: 1 });
  const cells = Array.from({ length: rows * columns }, (_, position) =>
    el("button", { type: "button", class: "code", onclick: () => press(position) }),
  );
  let now = new Uint16Array(cells.length);
  let home = new Uint16Array(cells.length);

  function press(position: number): void {
    const code = Math.min(codes - 1, Math.max(0, Math.round(brush.valueAsNumber) || 0));
    const changed = now[position] !== home[position];
    change(position, changed || code === home[position] ? null : code);
  }

  const grid = el("div", { class: "code-cells", role: "group", "aria-label": "Codes of the latent" }, ...cells);
  roving(grid, cells);
  grid.style.setProperty("--columns", String(columns));
  return {
    element: el(
      "div",
      { class: "code-grid" },
      el("label", { class: "brush" }, `Code to place, 0 to ${codes - 1} `, brush),
      el("div", { class: "code-scroll" }, grid),
    ),
    show(held, own) {
      [now, home] = [held.slice(), own.slice()];
      cells.forEach((cell, position) => {
        const code = now[position];
        cell.textContent = String(code);
        cell.style.setProperty("--hue", codeHue(code));
        const was = code === home[position] ? "" : `, in the picture ${home[position]}`;
        cell.setAttribute("aria-label", `${cellName(position, columns)}: code ${code}${was}`);
        cell.setAttribute("aria-pressed", String(code !== home[position]));
      });
    },
  };
}
