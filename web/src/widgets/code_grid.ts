import { el } from "../page/dom";

export interface CodeGrid {
  readonly element: HTMLElement;
  /** codes: what every position holds now; own: what the picture has there. */
  show(codes: Uint16Array, own: Uint16Array): void;
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
  grid.style.setProperty("--columns", String(columns));
  return {
    element: el(
      "div",
      { class: "code-grid" },
      el("label", { class: "brush" }, `Code to place, 0 to ${codes - 1} `, brush),
      grid,
    ),
    show(held, own) {
      [now, home] = [held.slice(), own.slice()];
      cells.forEach((cell, position) => {
        const [row, column] = [Math.floor(position / columns) + 1, (position % columns) + 1];
        const code = now[position];
        cell.textContent = String(code);
        // The golden angle: neighbouring codes get hues far apart.
        cell.style.setProperty("--hue", String((code * 137.508) % 360));
        cell.setAttribute("aria-label", `Row ${row}, column ${column}: code ${code}`);
        cell.setAttribute("aria-pressed", String(code !== home[position]));
      });
    },
  };
}
