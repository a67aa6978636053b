import { UNTURNED } from "../latent/turns";
import { freshSeed } from "../pixels/random";
import { PANELS } from "../state/state";
import { goTo, stepPicture } from "./bar";
import type { Context } from "./context";
import { openHelp, type KeyLine } from "./help";

interface Key extends KeyLine {
  /** What a press of key `names[i]` does. */
  readonly act: (context: Context, i: number) => void;
}

/** Single keys that work everywhere, except while typing text or in a dialog. */
const EVERYWHERE: readonly Key[] = [
  { names: PANELS.map((_, i) => String(i + 1)), does: `go to a panel: ${PANELS.join(", ")}`, act: (context, i) => goTo(context, PANELS[i]) },
  { names: ["[", "]"], does: "the picture before, the picture after", act: (context, i) => stepPicture(context, i === 0 ? -1 : 1) },
  { names: ["r"], does: "put all knobs and codes back", act: ({ store }) => store.set({ turns: UNTURNED, codes: {} }) },
  { names: ["n"], does: "other noise", act: ({ store }) => store.set({ noise: { ...store.get().noise, seed: freshSeed() } }) },
  { names: ["d"], does: "other dreams", act: ({ store }) => store.set({ dream: freshSeed() }) },
  { names: ["?"], does: "this list", act: () => keyHelp() },
];

/** Opens the keyboard help. */
export function keyHelp(): void {
  openHelp(EVERYWHERE);
}

export function wireKeys(context: Context): void {
  const acts = new Map(EVERYWHERE.flatMap(({ names, act }) => names.map((name, i) => [name, () => act(context, i)] as const)));
  document.addEventListener("keydown", (event) => {
    const typing = (event.target as Element).matches("input[type=number], input[type=text], textarea, select");
    // AltGr, which some keyboards need for [ and ], counts as Ctrl and Alt on Windows.
    const command = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (typing || command || document.querySelector("dialog[open]")) return;
    acts.get(latin(event))?.();
  });
}

/** The key's character; its place on the keyboard decides where it writes other letters, Hangul for example. */
function latin({ key, code }: KeyboardEvent): string {
  return /^[\x20-\x7e]$/.test(key) ? key : code.replace(/^Key/, "").toLowerCase();
}
