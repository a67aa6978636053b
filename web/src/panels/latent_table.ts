import { positions, turn, turned, UNTURNED, type Order } from "../latent/turns";
import type { Context } from "../page/context";
import { el } from "../page/dom";
import type { KnobPlace } from "../page/turned_words";
import type { State } from "../state/state";
import type { Model } from "../page/model";
import { choice } from "../widgets/choice";
import { codeGrid, type CodeGrid } from "../widgets/code_grid";
import { knobBank } from "../widgets/knob_bank";

/** The latent before any turns. */
export interface Beginning {
  readonly model: Model;
  readonly z: Float32Array;
}

export interface LatentTable {
  readonly element: HTMLElement;
  /** Shows the result of the state's turns, beginning at the start latent. */
  show(start: Beginning): void;
}

export interface TableEvents {
  /** The knob that now has the focus, or is being turned. */
  readonly knob: (knob: KnobPlace) => void;
  /** The position whose code is being changed. */
  readonly code: (position: number) => void;
}

/** The latent after the state's turns. */
export function ledTo({ model, z }: Beginning, { turns, codes }: State): Float32Array {
  return model.codebook ? model.codebook.write(z, codes) : turned(model.space, z, turns);
}

/** The controls of a latent: knobs, or the grid of its codes. */
export function latentTable({ store }: Context, events: TableEvents): LatentTable {
  let start: Beginning | null = null;
  let grid: { model: Model; grid: CodeGrid } | null = null;
  const element = el("div", { class: "knobs-side" });
  const aim = (place: number) => events.knob({ order: store.get().order, place });
  const bank = knobBank({
    turn: (place, value) => move(place, () => value),
    reset: (place) => move(place, (home) => home),
    focus: aim,
  });
  const orders = choice<Order>(
    "What the knobs are",
    [{ value: "directions", text: "Principal directions" }, { value: "numbers", text: "Single numbers" }],
    (order) => store.set({ order }),
  );

  /** to: maps the knob's position in the picture to its new position, both in standard deviations. */
  function move(place: number, to: (home: number) => number): void {
    if (!start) return;
    aim(place); // a finger turns a knob without giving it the focus
    const { order, turns } = store.get();
    const { model: { space }, z } = start;
    const [home, now] = [UNTURNED, turns].map((some) => positions(space, z, some, order)[place]);
    store.set({ turns: turn(turns, order, place, to(home) - now) });
  }

  function changeCode(position: number, code: number | null): void {
    events.code(position);
    const others = Object.entries(store.get().codes).filter(([held]) => Number(held) !== position);
    store.set({ codes: Object.fromEntries(code === null ? others : [...others, [position, code]]) });
  }

  function showKnobs({ model, z }: Beginning): void {
    const { order, turns } = store.get();
    if (!bank.element.isConnected) element.replaceChildren(orders.element, bank.element);
    orders.mark(order);
    bank.lay(model, order);
    bank.show(positions(model.space, z, turns, order), positions(model.space, z, UNTURNED, order));
  }

  return {
    element,
    show(next) {
      start = next;
      const { model, z } = next;
      if (!model.codebook || !model.about.code_grid) return showKnobs(next);
      if (grid?.model !== model || !grid.grid.element.isConnected) {
        grid = { model, grid: codeGrid(model.about.code_grid.shape, model.codebook.codes, changeCode) };
        element.replaceChildren(grid.grid.element);
      }
      grid.grid.show(model.codebook.read(ledTo(next, store.get())), model.codebook.read(z));
    },
  };
}
