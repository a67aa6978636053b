import { button, el, freshId } from "../page/dom";

/**
 * Opens a dialog in front of the page. Escape, its closing button and a click beside it close it.
 *
 * The browser keeps the focus inside, and returns it to where it was.
 */
export function openDialog(title: string, closing: string, ...children: Node[]): HTMLDialogElement {
  const id = freshId("dialog");
  const dialog = el(
    "dialog",
    { class: "sheet-dialog", "aria-labelledby": id },
    el("div", { class: "dialog-head" }, el("h2", { id }, title), button(closing, () => dialog.close())),
    ...children,
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
