import type { Turns } from "../latent/turns";
import { NOISES, type Noise, type NoiseKind } from "../pixels/noise";
import { PANELS, START, type Drawn, type Panel, type State, type Subject } from "./state";

/** Limits of a fragment: the page has nothing beyond these indices. */
export interface Bounds {
  readonly models: number;
  readonly shown: number;
  readonly points: number;
  readonly planes: readonly string[];
  /** Characters of an own picture's pixels in base64. */
  readonly ownPixels: number;
}

/** A longer own picture is not put into a link: mail and chat programs cut long links. */
export const LONGEST_OWN = 8192;

/** The state as a URL fragment without #; values equal to the initial state are left out. */
export function toFragment(state: State): string {
  const fields: [string, string, string][] = [
    ["panel", state.panel, START.panel],
    ["model", String(state.model), String(START.model)],
    ["image", subjectText(state.image), subjectText(START.image)],
    ["to", subjectText(state.other), subjectText(START.other)],
    ["at", short(state.at), short(START.at)],
    ["path", state.path, START.path],
    ["order", state.order, START.order],
    ["turn", recordText(state.turns.directions), ""],
    ["number", recordText(state.turns.numbers), ""],
    ["code", recordText(state.codes), ""],
    ["draw", state.drawn ? `${state.drawn.seed}.${state.drawn.place}` : "", ""],
    ["noise", noiseText(state.noise), noiseText(START.noise)],
    ["dream", String(state.dream), String(START.dream)],
    ["plane", state.plane, START.plane],
  ];
  const changed = fields.filter(([, value, usual]) => value !== usual);
  return new URLSearchParams(changed.map(([key, value]) => [key, value])).toString();
}

/** The state in a fragment. Anyone can write a link, so impossible values are replaced by the initial ones. */
export function fromFragment(fragment: string, bounds: Bounds): State {
  const fields = new URLSearchParams(fragment);
  const field = (name: string) => fields.get(name) ?? "";
  const turns: Turns = { directions: readRecord(field("turn"), -99, 99), numbers: readRecord(field("number"), -99, 99) };
  return {
    panel: PANELS.find((panel): panel is Panel => panel === field("panel")) ?? START.panel,
    model: readPlace(field("model"), bounds.models) ?? START.model,
    image: readSubject(field("image"), bounds) ?? START.image,
    other: readSubject(field("to"), bounds) ?? { kind: "shown", place: Math.min(1, bounds.shown - 1) },
    at: readNumber(field("at"), 0, 1) ?? START.at,
    path: field("path") === "sphere" ? "sphere" : "straight",
    order: field("order") === "numbers" ? "numbers" : "directions",
    turns,
    codes: readCodes(field("code")),
    drawn: readDrawn(field("draw")),
    noise: readNoise(field("noise")) ?? START.noise,
    dream: readPlace(field("dream"), 2 ** 31) ?? START.dream,
    plane: bounds.planes.find((plane) => plane === field("plane")) ?? START.plane,
  };
}

function subjectText(subject: Subject): string {
  if (subject.kind !== "own") return `${subject.kind}.${subject.place}`;
  return subject.pixels.length <= LONGEST_OWN ? `own.${subject.pixels}` : subjectText(START.image);
}

/** A picture as a fragment names it; null if the page has no such picture. */
export function readSubject(text: string, bounds: Bounds): Subject | null {
  const [kind, rest = ""] = text.split(".", 2);
  if (kind === "own") {
    const pixels = /^[\w-]+$/.test(rest) && rest.length === bounds.ownPixels;
    return pixels ? { kind, pixels: rest } : null;
  }
  if (kind !== "shown" && kind !== "point") return null;
  const place = readPlace(rest, kind === "shown" ? bounds.shown : bounds.points);
  return place === null ? null : { kind, place };
}

function noiseText({ kind, strength, seed }: Noise): string {
  return `${kind}.${Math.round(strength)}.${seed}`;
}

function readNoise(text: string): Noise | null {
  const [kind, strength, seed] = text.split(".");
  if (!Object.hasOwn(NOISES, kind)) return null;
  const amount = readNumber(strength ?? "", 0, NOISES[kind as NoiseKind].most);
  const chosen = readPlace(seed ?? "", 2 ** 31);
  return amount === null || chosen === null ? null : { kind: kind as NoiseKind, strength: amount, seed: chosen };
}

function readDrawn(text: string): Drawn | null {
  const [seed, place] = text.split(".").map((part) => readPlace(part, 2 ** 31));
  return seed == null || place == null ? null : { seed, place };
}

/** "0:1.25,3:-2" */
function recordText(record: Readonly<Record<number, number>>): string {
  return Object.entries(record).map(([place, amount]) => `${place}:${short(amount)}`).join(",");
}

function readRecord(text: string, low: number, high: number): Record<number, number> {
  const record: Record<number, number> = {};
  for (const item of text.split(",")) {
    const [place, amount] = item.split(":");
    const [at, value] = [readPlace(place, 65536), readNumber(amount ?? "", low, high)];
    if (at !== null && value !== null) record[at] = value;
  }
  return record;
}

function readCodes(text: string): Record<number, number> {
  const whole = Object.entries(readRecord(text, 0, 65535)).filter(([, code]) => Number.isInteger(code));
  return Object.fromEntries(whole);
}

function readPlace(text: string, limit: number): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) < limit ? Number(text) : null;
}

function readNumber(text: string, low: number, high: number): number | null {
  const value = Number(text);
  return text.trim() !== "" && value >= low && value <= high ? value : null;
}

function short(value: number): string {
  return String(Number(value.toFixed(3)));
}
