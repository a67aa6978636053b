import { LONGEST_OWN, toFragment } from "../state/fragment";
import { START, type State } from "../state/state";

/** Whether a link can hold the chosen picture: `page` if it is one of this page, which a link names by its number. */
export function pictureInLink({ image }: State): "page" | "own" | "too long" {
  if (image.kind !== "own") return "page";
  return image.pixels.length <= LONGEST_OWN ? "own" : "too long";
}

/** The state as a fragment that holds no picture of the reader's: the first held-out picture takes its place. */
export function withoutOwn(state: State): string {
  return toFragment(state.image.kind === "own" ? { ...state, image: START.image } : state);
}

/** The address of this page with a fragment. */
export function linkOf(fragment: string): string {
  return `${location.href.split("#")[0]}#${fragment}`;
}

/** False in the frame of a notebook that holds the whole page: such a page has no address that leads to it. */
export function hasAddress(): boolean {
  return location.protocol !== "about:";
}
