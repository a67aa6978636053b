import { el } from "../page/dom";
import { Plane, type Dot, type Place } from "./plane";
import { drawPlane } from "./plane_drawing";

export interface ScatterLook {
  readonly dots: readonly Dot[];
  readonly lit: number | null;
  readonly chosen: Place | null;
  readonly unit: string;
  readonly colour: (label: number) => string;
}

export interface Scatter {
  readonly element: HTMLElement;
  draw(look: ScatterLook): void;
}

/** Maximum distance of the pointer from a dot, in CSS pixels; a finger is wider. */
const NEAR = 14;
const NEAR_FINGER = 26;

/**
 * Dots in the plane: the pointer or the arrow keys select one, a click or Enter chooses it.
 *
 * onPoint: called with the dot and its position on the element; -1 for none.
 */
export function scatter(
  label: string,
  onPoint: (place: number, spot: Place | null) => void,
  onChoose: (place: number) => void,
): Scatter {
  const canvas = el("canvas", {
    class: "plane", tabindex: 0, role: "application", "aria-label": label,
    onpointermove: (event: PointerEvent) => point(plane?.nearest(spotOf(event), NEAR, lit()) ?? -1),
    onpointerleave: () => point(-1),
    onblur: () => point(-1),
    onclick: (event: PointerEvent) => choose(plane?.nearest(spotOf(event), reach(event), lit()) ?? -1),
    onkeydown,
  });
  let look: ScatterLook | null = null;
  let plane: Plane | null = null;
  let pointed = -1;
  const lit = () => look?.lit ?? null;

  function point(place: number): void {
    if (place === pointed) return;
    pointed = place;
    onPoint(place, place < 0 || !plane ? null : plane.spot(place));
    paint();
  }

  function choose(place: number): void {
    if (place >= 0) onChoose(place);
  }

  function onkeydown(event: KeyboardEvent): void {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const enter = event.key === "Enter" || event.key === " ";
    if (!plane || (!way && !enter)) return;
    event.preventDefault();
    if (enter) choose(pointed);
    else if (way) point(pointed < 0 ? begin(plane) : plane.next(pointed, way[0], way[1], lit()));
  }

  /** The arrow keys begin at the chosen picture, or in the middle. */
  function begin(plane: Plane): number {
    const start = look?.chosen ? plane.onScreen(look.chosen) : { x: plane.width / 2, y: plane.height / 2 };
    return plane.nearest(start, Infinity, lit());
  }

  function paint(): void {
    const context = canvas.getContext("2d");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!look || !context || !width) return;
    [canvas.width, canvas.height] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    context.scale(devicePixelRatio, devicePixelRatio);
    if (plane?.width !== width || plane.height !== height) plane = new Plane(look.dots, look.chosen, width, height);
    const style = getComputedStyle(canvas);
    const [ink, soft, paper] = [style.color, style.borderTopColor, style.backgroundColor];
    drawPlane(context, plane, { ...look, pointed, ink, soft, paper });
  }

  new ResizeObserver(paint).observe(canvas);
  return {
    element: canvas,
    draw(next) {
      look = next;
      plane = null;
      paint();
    },
  };
}

function spotOf({ offsetX, offsetY }: PointerEvent): Place {
  return { x: offsetX, y: offsetY };
}

function reach({ pointerType }: PointerEvent): number {
  return pointerType === "touch" ? NEAR_FINGER : NEAR;
}
