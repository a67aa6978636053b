/** A point of the plane, and its class or -1. */
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly label: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Room for the marks and the axes' numbers, in CSS pixels. */
const MARGIN = 30;

/** Dots on a screen of this size: one scale for both axes, so that distances are true. */
export class Plane {
  readonly scale: number;
  private readonly middle: Place;
  private readonly spots: readonly Place[];

  /** beside: another point that must be visible. */
  constructor(
    readonly dots: readonly Dot[],
    beside: Place | null,
    readonly width: number,
    readonly height: number,
  ) {
    const all: readonly Place[] = beside ? [...dots, beside] : dots;
    const [left, right] = extent(all.map(({ x }) => x));
    const [low, high] = extent(all.map(({ y }) => y));
    this.middle = { x: (left + right) / 2, y: (low + high) / 2 };
    this.scale = Math.min((width - 2 * MARGIN) / (right - left || 1), (height - 2 * MARGIN) / (high - low || 1));
    this.spots = dots.map((dot) => this.onScreen(dot));
  }

  /** In CSS pixels from the top left; y of the plane points up. */
  onScreen({ x, y }: Place): Place {
    return { x: this.width / 2 + (x - this.middle.x) * this.scale, y: this.height / 2 - (y - this.middle.y) * this.scale };
  }

  /** The screen position of dot `place`. */
  spot(place: number): Place {
    return this.spots[place];
  }

  /** The dot nearest to a screen position within `limit` pixels, of class `lit` if one is given; -1 for none. */
  nearest({ x, y }: Place, limit: number, lit: number | null): number {
    let [best, least] = [-1, limit ** 2];
    this.spots.forEach((spot, place) => {
      const distance = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (distance < least && (lit === null || lit === this.dots[place].label)) [best, least] = [place, distance];
    });
    return best;
  }

  /** The next dot from dot `from` in a screen direction, (1, 0) is right; `from` itself if there is none. */
  next(from: number, right: number, down: number, lit: number | null): number {
    const here = this.spots[from];
    let [best, least] = [from, Infinity];
    this.spots.forEach((spot, place) => {
      const [x, y] = [spot.x - here.x, spot.y - here.y];
      const ahead = x * right + y * down;
      const aside = Math.abs(x * down) + Math.abs(y * right);
      // Within 45 degrees; of two equally near dots, the one straight ahead comes first.
      if (ahead <= 0 || aside > ahead || (lit !== null && lit !== this.dots[place].label)) return;
      if (ahead + 2 * aside < least) [best, least] = [place, ahead + 2 * aside];
    });
    return best;
  }
}

function extent(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
