import { drawMark } from "./marks";
import type { Place, Plane } from "./plane";

export interface PlaneLook {
  /** The class that stands out, or null for all. */
  readonly lit: number | null;
  /** The dot under the pointer, or -1. */
  readonly pointed: number;
  /** Where the chosen picture lies, or null. */
  readonly chosen: Place | null;
  /** The meaning of the axes; empty if they mean nothing, and then no axes are drawn. */
  readonly unit: string;
  readonly colour: (label: number) => string;
  readonly ink: string;
  readonly soft: string;
  readonly paper: string;
}

const RADIUS = 3.6;

/** Draws the plane onto a canvas whose unit is one CSS pixel. */
export function drawPlane(context: CanvasRenderingContext2D, plane: Plane, look: PlaneLook): void {
  if (look.unit) drawAxes(context, plane, look);
  const colours = new Map(plane.dots.map(({ label }) => [label, ""]));
  for (const label of colours.keys()) colours.set(label, look.colour(label));
  plane.dots.forEach(({ label }, place) => {
    const { x, y } = plane.spot(place);
    context.globalAlpha = look.lit === null || look.lit === label ? 0.85 : 0.1;
    context.fillStyle = colours.get(label) as string;
    drawMark(context, label, x, y, place === look.pointed ? 2 * RADIUS : RADIUS);
  });
  context.globalAlpha = 1;
  if (look.chosen) drawRing(context, plane.onScreen(look.chosen), look);
}

/** A ring with a rim in the background colour, visible on any colour. */
function drawRing(context: CanvasRenderingContext2D, { x, y }: Place, { ink, paper }: PlaneLook): void {
  for (const [colour, width] of [[paper, 6], [ink, 2.5]] as const) {
    context.beginPath();
    context.arc(x, y, 10, 0, 2 * Math.PI);
    [context.strokeStyle, context.lineWidth] = [colour, width];
    context.stroke();
  }
}

/** Ticks along the left and the lower edge, and lines through the mean. */
function drawAxes(context: CanvasRenderingContext2D, plane: Plane, { soft, unit }: PlaneLook): void {
  const { width, height, scale } = plane;
  const zero = plane.onScreen({ x: 0, y: 0 });
  [context.strokeStyle, context.fillStyle, context.lineWidth] = [soft, soft, 1];
  context.globalAlpha = 0.3;
  context.beginPath();
  context.moveTo(zero.x, 0);
  context.lineTo(zero.x, height);
  context.moveTo(0, zero.y);
  context.lineTo(width, zero.y);
  context.stroke();
  context.globalAlpha = 1;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  for (const tick of ticks(zero.x, width, scale)) context.fillText(tickText(tick), zero.x + tick * scale, height - 6);
  context.textAlign = "left";
  for (const tick of ticks(height - zero.y, height, scale)) context.fillText(tickText(tick), 4, zero.y - tick * scale + 4);
  context.textAlign = "right";
  context.fillText(unit, width - 4, 14);
}

/** The visible whole numbers on an axis of `length` pixels whose zero is `zero` pixels from its start. */
function ticks(zero: number, length: number, scale: number): number[] {
  const [first, last] = [Math.ceil((16 - zero) / scale), Math.floor((length - 16 - zero) / scale)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

function tickText(value: number): string {
  return `${value < 0 ? "−" : ""}${Math.abs(value)}`;
}
