type Shape = (context: CanvasRenderingContext2D, x: number, y: number, r: number) => void;

// Shape and colour: colour-blind readers cannot distinguish ten hues, but they can distinguish shapes.
const SHAPES: readonly Shape[] = [
  (context, x, y, r) => context.arc(x, y, r, 0, 2 * Math.PI),
  (context, x, y, r) => context.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r),
  (context, x, y, r) => polygon(context, x, y, 1.25 * r, 3, -Math.PI / 2),
  (context, x, y, r) => polygon(context, x, y, 1.25 * r, 4, 0),
  (context, x, y, r) => polygon(context, x, y, 1.25 * r, 3, Math.PI / 2),
  (context, x, y, r) => plus(context, x, y, 1.2 * r),
  (context, x, y, r) => polygon(context, x, y, 1.15 * r, 5, -Math.PI / 2),
];

/** Number of class colours in the style sheet: --k0 to --k9. */
export const CLASS_COLOURS = 10;

/** Fills the mark of a class, -1 for none, in the context's fill style. */
export function drawMark(context: CanvasRenderingContext2D, label: number, x: number, y: number, radius: number): void {
  context.beginPath();
  SHAPES[Math.max(label, 0) % SHAPES.length](context, x, y, radius);
  context.fill();
}

function polygon(context: CanvasRenderingContext2D, x: number, y: number, r: number, corners: number, turn: number): void {
  for (let i = 0; i < corners; i++) {
    const angle = turn + (2 * Math.PI * i) / corners;
    context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
}

function plus(context: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  const t = r / 2.6;
  context.rect(x - r, y - t, 2 * r, 2 * t);
  context.rect(x - t, y - r, 2 * t, 2 * r);
}
