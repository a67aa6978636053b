import { button, el } from "../page/dom";
import { CropFrame } from "../pixels/crop_frame";
import type { Picture } from "../pixels/picture";
import { shrink } from "../pixels/shrink";
import { paint, painted, pictureCanvas } from "./picture_canvas";

const CORNERS = [[0, 0], [1, 0], [0, 1], [1, 1]] as const;

/** Lets the reader select a part of the picture and shrinks it to width x height; null if the reader cancels. */
export function askForCrop(source: Picture, width: number, height: number): Promise<Picture | null> {
  let frame = CropFrame.largest(source, width / height);
  let result = shrink(source, frame.rectangle, width, height);
  const box = frameElement();
  const stage = el("div", { class: "crop-stage" }, painted(source, "The picture that you gave"), box);
  const preview = pictureCanvas(width, height, "What the models will see");
  const use = button("Use this part", () => dialog.close("use"), { class: "primary" });
  const dialog = el(
    "dialog",
    { class: "crop", "aria-label": "Choose the part of the picture" },
    el("h2", {}, "Which part?"),
    el("p", {}, `The models see ${width} × ${height} pixels. Move and size the frame; every new pixel is the mean of the area it covers.`),
    el("div", { class: "crop-body" }, stage, el("figure", {}, preview, el("figcaption", {}, "What the models will see"))),
    el("div", { class: "row" }, use, button("Cancel", () => dialog.close())),
  );
  stage.style.setProperty("--aspect", String(source.width / source.height));

  function place(next: CropFrame): void {
    frame = next;
    const { left, top, width: wide, height: high } = frame.rectangle;
    box.style.left = `${(100 * left) / source.width}%`;
    box.style.top = `${(100 * top) / source.height}%`;
    box.style.width = `${(100 * wide) / source.width}%`;
    box.style.height = `${(100 * high) / source.height}%`;
    result = shrink(source, frame.rectangle, width, height);
    paint(preview, result);
  }

  function frameElement(): HTMLElement {
    const handles = CORNERS.map(([x, y]) => el("span", { class: "handle", "data-x": x, "data-y": y }));
    const label = "Crop frame: arrow keys move it, plus and minus size it";
    return el("div", { class: "crop-frame", tabindex: 0, role: "group", "aria-label": label, onkeydown, onpointerdown }, ...handles);
  }

  function onpointerdown(event: PointerEvent): void {
    event.preventDefault();
    box.focus();
    const corner = CORNERS.find(([x, y]) => {
      const { dataset } = event.target as HTMLElement;
      return dataset.x === String(x) && dataset.y === String(y);
    });
    box.setPointerCapture(event.pointerId);
    const zoom = source.width / stage.clientWidth;
    const area = stage.getBoundingClientRect();
    let [x, y] = [event.clientX, event.clientY];
    box.onpointermove = (move) => {
      if (corner) place(frame.cornered(corner[0], corner[1], (move.clientX - area.left) * zoom, (move.clientY - area.top) * zoom));
      else place(frame.moved((move.clientX - x) * zoom, (move.clientY - y) * zoom));
      [x, y] = [move.clientX, move.clientY];
    };
    box.onpointerup = box.onpointercancel = () => (box.onpointermove = null);
  }

  function onkeydown(event: KeyboardEvent): void {
    const step = (event.shiftKey ? 0.1 : 0.02) * frame.rectangle.width;
    const moves: Record<string, () => CropFrame> = {
      ArrowLeft: () => frame.moved(-step, 0),
      ArrowRight: () => frame.moved(step, 0),
      ArrowUp: () => frame.moved(0, -step),
      ArrowDown: () => frame.moved(0, step),
      "+": () => frame.sized(frame.rectangle.width * 1.08),
      "=": () => frame.sized(frame.rectangle.width * 1.08),
      "-": () => frame.sized(frame.rectangle.width / 1.08),
      Enter: () => (dialog.close("use"), frame),
    };
    if (!Object.hasOwn(moves, event.key)) return;
    event.preventDefault();
    place(moves[event.key]());
  }

  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "use" ? result : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    place(frame);
    box.focus();
  });
}
