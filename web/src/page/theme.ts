import { button } from "./dom";
import { recall, remember } from "./storage";

const root = document.documentElement;
const KEY = "isthmus-theme"; // the report's, so that both pages agree

/** The button that switches between light and dark; the choice is kept if the browser gives the page storage. */
export function themeButton(onChange: () => void): HTMLButtonElement {
  const stored = recall(KEY);
  if (stored === "dark" || stored === "light") root.dataset.theme = stored;
  const preference = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : preference.matches);
  const show = () => {
    toggle.textContent = dark() ? "Light" : "Dark";
    onChange();
  };
  const toggle = button("", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember(KEY, root.dataset.theme);
    show();
  });
  preference.addEventListener("change", show);
  toggle.textContent = dark() ? "Light" : "Dark";
  return toggle;
}
