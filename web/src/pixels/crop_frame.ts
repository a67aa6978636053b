import type { Rectangle } from "./shrink";

/** The selected part of a picture: always with the models' aspect ratio, always inside the picture. */
export class CropFrame {
  private constructor(
    readonly rectangle: Rectangle,
    private readonly bounds: { readonly width: number; readonly height: number },
    private readonly aspect: number,
  ) {}

  /** The largest frame of width / height = `aspect` in the middle of a picture of this size. */
  static largest(bounds: { width: number; height: number }, aspect: number): CropFrame {
    const width = Math.min(bounds.width, bounds.height * aspect);
    const height = width / aspect;
    const rectangle = { left: (bounds.width - width) / 2, top: (bounds.height - height) / 2, width, height };
    return new CropFrame(rectangle, bounds, aspect);
  }

  /** Moved by a number of picture pixels, but not beyond the edge. */
  moved(right: number, down: number): CropFrame {
    const { left, top, width, height } = this.rectangle;
    return this.with({
      left: within(left + right, this.bounds.width - width),
      top: within(top + down, this.bounds.height - height),
      width,
      height,
    });
  }

  /** Resized to `width` as far as possible, about its middle; moved back inside the picture if needed. */
  sized(width: number): CropFrame {
    const { left, top, width: before, height } = this.rectangle;
    const after = this.possible(width, this.bounds.width, this.bounds.height);
    const grown = { left: left + (before - after) / 2, top: top + (height - after / this.aspect) / 2 };
    return this.with({ ...grown, width: after, height: after / this.aspect }).moved(0, 0);
  }

  /** With one corner (0 or 1 across, 0 or 1 down) dragged towards a point of the picture; the opposite corner stays. */
  cornered(across: 0 | 1, down: 0 | 1, x: number, y: number): CropFrame {
    const { left, top, width, height } = this.rectangle;
    const [fixedX, fixedY] = [left + (1 - across) * width, top + (1 - down) * height];
    const room = [across ? this.bounds.width - fixedX : fixedX, down ? this.bounds.height - fixedY : fixedY];
    const wanted = Math.max(across ? x - fixedX : fixedX - x, (down ? y - fixedY : fixedY - y) * this.aspect);
    const after = this.possible(wanted, room[0], room[1]);
    const [newLeft, newTop] = [fixedX - (across ? 0 : after), fixedY - (down ? 0 : after / this.aspect)];
    return this.with({ left: newLeft, top: newTop, width: after, height: after / this.aspect });
  }

  private possible(width: number, roomAcross: number, roomDown: number): number {
    const most = Math.min(roomAcross, roomDown * this.aspect);
    return Math.min(most, Math.max(width, Math.min(this.bounds.width, this.bounds.height * this.aspect) / 20));
  }

  private with(rectangle: Rectangle): CropFrame {
    return new CropFrame(rectangle, this.bounds, this.aspect);
  }
}

function within(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}
