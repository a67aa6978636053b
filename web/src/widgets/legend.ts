import { el } from "../page/dom";
import { CLASS_COLOURS, drawMark } from "./marks";

export interface Legend {
  readonly element: HTMLElement;
  /** The colour of a class as the style sheet has it now, for a canvas. */
  colour(label: number): string;
  /** The only class that is highlighted, or null. */
  readonly lit: () => number | null;
  /** Draws the marks again in the colours of another theme. */
  repaint(): void;
}

const SIDE = 14;

/** The classes of the map; one that is pressed or pointed at stands out. */
export function legend(names: readonly string[], onChange: () => void): Legend {
  let pressed: number | null = null;
  let pointed: number | null = null;
  const marks = names.map((_, label) => markCanvas(label));
  const buttons = names.map((name, label) =>
    el(
      "button",
      {
        type: "button", class: "class", "aria-pressed": "false",
        onclick: () => press(label), onpointerenter: () => point(label), onpointerleave: () => point(null),
      },
      marks[label],
      name,
    ),
  );
  // Points without a class are grey if other points have one.
  const plain = el("span", { class: names.length ? "unseen soft" : "unseen k0" });
  const element = el("div", { class: "legend", role: "group", "aria-label": "Classes: press one to see it alone" }, plain, ...buttons);

  function press(label: number): void {
    pressed = pressed === label ? null : label;
    buttons.forEach((one, i) => one.setAttribute("aria-pressed", String(i === pressed)));
    onChange();
  }

  function point(label: number | null): void {
    pointed = label;
    onChange();
  }

  const colour = (label: number) => getComputedStyle(marks[label] ?? plain).color;
  return {
    element,
    colour,
    lit: () => pointed ?? pressed,
    repaint() {
      marks.forEach((canvas, label) => {
        const context = canvas.getContext("2d");
        if (!context) return;
        context.clearRect(0, 0, canvas.width, canvas.height);
        context.fillStyle = colour(label);
        drawMark(context, label, SIDE, SIDE, 0.62 * SIDE);
      });
    },
  };
}

function markCanvas(label: number): HTMLCanvasElement {
  return el("canvas", { class: `mark k${label % CLASS_COLOURS}`, width: 2 * SIDE, height: 2 * SIDE, "aria-hidden": "true" });
}
