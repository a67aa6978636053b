import { UNTURNED } from "../latent/turns";
import { freshSeed } from "../pixels/random";
import { PANELS } from "../state/state";
import { goTo, stepPicture } from "./bar";
import type { Context } from "./context";

/** Single keys that work everywhere, except while typing text or in a dialog. */
export function wireKeys(context: Context): void {
  const { store } = context;
  const keys: Readonly<Record<string, () => void>> = {
    "[": () => stepPicture(context, -1),
    "]": () => stepPicture(context, 1),
    r: () => store.set({ turns: UNTURNED, codes: {} }),
    n: () => store.set({ noise: { ...store.get().noise, seed: freshSeed() } }),
    d: () => store.set({ dream: freshSeed() }),
    ...Object.fromEntries(PANELS.map((panel, i) => [String(i + 1), () => goTo(context, panel)])),
  };
  document.addEventListener("keydown", (event) => {
    const typing = (event.target as Element).matches("input[type=number], input[type=text], textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (Object.hasOwn(keys, event.key)) keys[event.key]();
  });
}
