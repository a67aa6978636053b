import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import { planesToText } from "../pixels/own_text";
import { UNTOUCHED } from "../state/state";
import { askForCrop } from "./crop_dialog";
import { readFile } from "./read_file";

/** How a reader's picture gets the channels that the models take; other numbers of channels no picture file has. */
const MADE: Readonly<Record<number, string>> = {
  1: "; colours become grey",
  3: "",
  4: "; its transparency becomes the fourth channel",
};

/** Ways to load a reader's own picture: file, drop anywhere on the page, paste, camera. */
export function ownPicture({ store, gallery }: Context): HTMLElement {
  const { channels } = gallery.frame;
  if (!Object.hasOwn(MADE, channels)) {
    return el("p", { class: "own soft" }, `A picture of your own cannot be used here: these images have ${channels} channels, and browsers read pictures of 1, 3 or 4.`);
  }
  const problem = el("p", { class: "problem", role: "alert" });
  const file = picker(take, {});
  // On a phone this opens the camera; elsewhere it would only be a second file chooser.
  const camera = matchMedia("(pointer: coarse)").matches ? picker(take, { capture: "environment" }) : null;

  async function take(given: Blob | null | undefined): Promise<void> {
    if (!given || document.querySelector("dialog[open]")) return;
    problem.textContent = "";
    try {
      const part = await askForCrop(await readFile(given, gallery.frame), gallery.width, gallery.height);
      if (part) store.set({ image: { kind: "own", pixels: planesToText(part.planes) }, ...UNTOUCHED });
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find(isPicture);
    if (pasted) void take(pasted);
  });
  wireDrop((dropped) => void take(dropped));

  return el(
    "div",
    { class: "own" },
    button("Use your own picture", () => file.click()),
    camera && button("Take a photograph", () => camera.click()),
    file,
    camera,
    el("span", { class: "soft" }, `or drop or paste one anywhere; it stays in this browser${MADE[channels]}`),
    problem,
  );
}

function picker(take: (file: Blob | undefined) => void, more: Record<string, string>): HTMLInputElement {
  const input = el("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Picture file", ...more });
  input.addEventListener("change", () => {
    take(input.files?.[0]);
    input.value = "";
  });
  return input;
}

/** Accepts a picture dropped anywhere on the page, and shows this while dragging. */
function wireDrop(take: (file: File) => void): void {
  const root = document.documentElement;
  const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    root.dataset.dropping = "1";
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) delete root.dataset.dropping;
  });
  document.addEventListener("drop", (event) => {
    delete root.dataset.dropping;
    if (!hasFile(event)) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    const file = files.find(isPicture) ?? files[0];
    if (file) take(file);
  });
}

function isPicture(file: File): boolean {
  return file.type.startsWith("image/");
}
