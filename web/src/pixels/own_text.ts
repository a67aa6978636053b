import { fromBase64 } from "../engine/unpack";

/** A reader's own picture as text that a link can hold: base64url of its planes. */
export function planesToText(planes: Uint8Array): string {
  const binary = Array.from(planes, (value) => String.fromCharCode(value)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function planesFromText(text: string): Uint8Array {
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

/** How long the text of `count` values is. */
export function textLength(count: number): number {
  return Math.ceil((count * 4) / 3);
}
