import { toFragment } from "../state/fragment";
import { openDialog } from "../widgets/dialog";
import { painted } from "../widgets/picture_canvas";
import type { Context } from "./context";
import { button, el } from "./dom";
import { hasAddress, linkOf, pictureInLink, withoutOwn } from "./link";

const USUAL = "Copy link";
const SAID_MS = 2500;

/** Copies a link to what the page shows. If the reader's own picture would go with it, the reader is asked first. */
export function shareButton({ store, gallery }: Context): HTMLButtonElement {
  const share = button(USUAL, () => void begin(), { class: "quiet share", hidden: !hasAddress() });
  let timer = 0;

  function label(): void {
    const asks = pictureInLink(store.get()) !== "page";
    share.textContent = asks ? `${USUAL}…` : USUAL;
    share.title = asks ? "Asks first whether your picture goes with it" : "A link to what you see now";
    if (asks) share.setAttribute("aria-haspopup", "dialog");
    else share.removeAttribute("aria-haspopup");
  }

  async function begin(): Promise<void> {
    const held = pictureInLink(store.get());
    if (held === "page") return copy(withoutOwn(store.get()), "Copied");
    const leaveOut = button("Copy without the picture", () => {
      dialog.close();
      void copy(withoutOwn(store.get()), "Copied without the picture");
    });
    const takeAlong = button("Copy with the picture", () => {
      dialog.close();
      void copy(toFragment(store.get()), "Copied with the picture");
    });
    const picture = el("div", { class: "shared-picture" }, painted(await gallery.of(store.get().image), "The picture"));
    const text = held === "own" ? CARRIES : TOO_LONG;
    const dialog = openDialog(
      held === "own" ? "This link can carry your picture" : "Your picture is too large for a link",
      "Cancel",
      el("div", { class: "shared" }, picture, el("p", {}, text)),
      el("div", { class: "row choices" }, held === "own" && takeAlong, leaveOut),
    );
    (held === "own" ? takeAlong : leaveOut).focus();
  }

  async function copy(fragment: string, said: string): Promise<void> {
    const link = linkOf(fragment);
    if (!(await toClipboard(link))) return showLink(link);
    share.textContent = said;
    clearTimeout(timer);
    timer = window.setTimeout(label, SAID_MS);
  }

  store.on(["image"], label);
  label();
  return share;
}

const CARRIES =
  "It is written into the link itself: whoever gets the link can see the picture. Without it, the link opens with the " +
  "first held-out picture.";
const TOO_LONG = "Programs for mail and chat cut links as long as this. The link opens with the first held-out picture.";

/** For browsers that give the page no clipboard. */
function showLink(link: string): void {
  const field = el("input", { type: "text", readonly: true, value: link, "aria-label": "The link" });
  openDialog("Copy the link", "Done", el("p", {}, "This browser lets the page copy nothing, so copy the link here."), field);
  field.focus();
  field.select();
}

/** False if the browser gives the page no clipboard. */
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
