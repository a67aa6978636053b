import type { LatentSpace } from "../latent/space";
import type { Order } from "../latent/turns";
import { button, el } from "../page/dom";
import type { Model } from "../page/model";
import { knobName } from "../page/turned_words";
import { knob, type Knob } from "./knob";

/** Latents up to this size show all their knobs. */
const ALL_UP_TO = 32;
/** Larger latents show this many knobs at a time. */
const PAGE = 16;

const CAPTIONS: Readonly<Record<Order, string>> = {
  directions: "Directions through all numbers at once, with the share of the differences between pictures that each explains",
  numbers: "The numbers that the decoder gets, one by one; those that vary most come first",
};

export interface KnobBank {
  readonly element: HTMLElement;
  /** Shows the knobs of this model and order. */
  lay(model: Model, order: Order): void;
  /** Sets every knob's position and its position in the picture, in standard deviations. */
  show(values: Float32Array, home: Float32Array): void;
}

export interface BankEvents {
  readonly turn: (place: number, value: number) => void;
  readonly reset: (place: number) => void;
  readonly focus: (place: number) => void;
}

/** The knobs of a latent, in pages if there are many. */
export function knobBank(events: BankEvents): KnobBank {
  const caption = el("p", { class: "soft knobs-caption" });
  const table = el("div", { class: "knobs-table" });
  const range = el("span", { class: "soft", role: "status" });
  const [back, on] = [button("Earlier", () => leaf(-1)), button("More", () => leaf(1))];
  const pages = el("div", { class: "row pages" }, back, range, on);
  let places: number[] = [];
  let knobs = new Map<number, Knob>();
  let first = 0;
  let laid: { model: Model; order: Order } | null = null;
  let shown: { values: Float32Array; home: Float32Array } | null = null;

  function leaf(step: number): void {
    first += step * PAGE;
    fill();
  }

  function fill(): void {
    if (!laid) return;
    const { model, order } = laid;
    const count = places.length <= ALL_UP_TO ? places.length : PAGE;
    const page = places.slice(first, first + count);
    knobs = new Map(page.map((place) => [place, make(model, order, place, events)]));
    caption.textContent = CAPTIONS[order];
    table.replaceChildren(...[...knobs.values()].map(({ element }) => element));
    pages.hidden = count === places.length;
    range.textContent = `${first + 1} to ${first + page.length} of ${places.length}`;
    [back.disabled, on.disabled] = [first === 0, first + count >= places.length];
    if (shown) show(shown.values, shown.home);
  }

  function show(values: Float32Array, home: Float32Array): void {
    shown = { values, home };
    for (const [place, one] of knobs) one.show(values[place], home[place]);
  }

  return {
    element: el("div", { class: "bank" }, caption, table, pages),
    lay(model, order) {
      if (laid?.model === model && laid.order === order) return;
      laid = { model, order };
      const { space } = model;
      places = placesOf(space, order);
      [first, shown] = [0, null];
      fill();
    },
    show,
  };
}

/** The knobs of an order, in the order in which they are shown. */
export function placesOf(space: LatentSpace, order: Order): number[] {
  return order === "numbers" ? space.byVariance() : Array.from({ length: space.kept }, (_, k) => k);
}

function make(model: Model, order: Order, place: number, events: BankEvents): Knob {
  const { space } = model;
  const own = {
    turn: (value: number) => events.turn(place, value),
    reset: () => events.reset(place),
    focus: () => events.focus(place),
  };
  if (order === "numbers") {
    return knob(knobName({ order, place }), "", `Number ${place + 1} of the latent`, !space.isUsed(place), own);
  }
  const percent = 100 * space.share(place);
  const share = `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
  const description = `Principal direction ${place + 1}, ${share} of the differences between pictures`;
  return knob(knobName({ order, place }), share, description, false, own);
}
