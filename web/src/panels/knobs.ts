import { latest } from "../engine/latest";
import { anyTurned, positions, turn, turned, UNTURNED, type Order } from "../latent/turns";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import type { Model } from "../page/model";
import { counted } from "../page/numbers";
import { whenSeen } from "../page/when_seen";
import { UNTOUCHED, type State } from "../state/state";
import { card } from "../widgets/card";
import { choice, modelChoice } from "../widgets/choice";
import { codeGrid, type CodeGrid } from "../widgets/code_grid";
import { knobBank } from "../widgets/knob_bank";
import { how, section } from "../widgets/section";
import { sweep } from "../widgets/sweep";

const LEAD =
  "These numbers are all that the decoder gets. Turn one, and see what it stands for. Every bar runs from the mean " +
  "of the training pictures; the mark is where the picture had it.";

/** Turn the numbers of a latent, by principal direction or one by one. */
export function knobs(context: Context): HTMLElement {
  const { store, models, gallery, timings } = context;
  const { width, height } = gallery;
  const before = card({ name: "As it was", width, height });
  const after = card({ name: "As you turned it", width, height });
  const range = sweep(width, height);
  /** What the knobs were last laid out for. */
  let start: { model: Model; z: Float32Array } | null = null;

  const bank = knobBank({
    turn: (place, value) => move(place, () => value),
    reset: (place) => move(place, (home) => home),
    focus: (place) => start && range.aim(start.model, current(start.z), store.get().order, place),
  });
  const orders = choice<Order>(
    "What the knobs are",
    [{ value: "directions", text: "Principal directions" }, { value: "numbers", text: "Single numbers" }],
    (order) => store.set({ order }),
  );
  const resetAll = button("Reset all", () => store.set({ turns: UNTURNED, codes: {} }));
  const origin = el("p", { class: "soft origin" });
  const table = el("div", { class: "knobs-side" });
  let grid: { model: Model; grid: CodeGrid } | null = null;

  /** Where the current turns have led from z. */
  function current(z: Float32Array): Float32Array {
    const { space, codebook } = models[store.get().model];
    const { turns, codes } = store.get();
    return codebook ? codebook.write(z, codes) : turned(space, z, turns);
  }

  function move(place: number, to: (home: number) => number): void {
    if (!start || start.model.index !== store.get().model) return;
    const { order, turns } = store.get();
    const { space } = start.model;
    const now = positions(space, turned(space, start.z, turns), order)[place];
    store.set({ turns: turn(turns, order, place, to(positions(space, start.z, order)[place]) - now) });
  }

  function changeCode(position: number, code: number | null): void {
    const { [position]: _, ...others } = store.get().codes;
    store.set({ codes: code === null ? others : { ...others, [position]: code } });
  }

  const draw = latest(async ({ asked, state }: { asked: number; state: State }, stale) => {
    const model = models[state.model];
    const z = state.drawn ? model.draw(state.drawn.seed, state.drawn.place) : await model.encode(await gallery.of(state.image), { urgent: true });
    if (!z) return;
    const isNew = start?.model !== model || start.z.some((value, i) => value !== z[i]);
    start = { model, z };
    const now = current(z);
    showNumbers(model, z, now);
    const picture = await model.decode(now, { urgent: true, stale });
    if (!picture) return;
    after.show(picture);
    timings.redraws.push(performance.now() - asked);
    timings.redraws.splice(0, timings.redraws.length - 100);
    if (!isNew) return;
    const rebuilt = await model.decode(z, { urgent: true, stale });
    // Not drawn after all: the next call must take this start as new again.
    if (!rebuilt) start = null;
    else before.show(rebuilt);
  });

  function showNumbers(model: Model, z: Float32Array, now: Float32Array): void {
    const { order, turns, codes, drawn, image } = store.get();
    origin.textContent = drawn ? "Begun at a draw of Dream" : `Begun at ${gallery.describe(image)}`;
    resetAll.disabled = !anyTurned(turns) && Object.keys(codes).length === 0;
    if (model.codebook) return showCodes(model, z, now);
    table.replaceChildren(orders.element, bank.element);
    orders.mark(order);
    bank.lay(model, order);
    bank.show(positions(model.space, now, order), positions(model.space, z, order));
  }

  function showCodes(model: Model, z: Float32Array, now: Float32Array): void {
    const { codebook, about } = model;
    if (!codebook || !about.code_grid) return;
    if (grid?.model !== model) grid = { model, grid: codeGrid(about.code_grid.shape, codebook.codes, changeCode) };
    table.replaceChildren(grid.grid.element);
    grid.grid.show(codebook.read(now), codebook.read(z));
  }

  const back = button("Back to the picture", () => store.set(UNTOUCHED));
  const element = section(
    "knobs",
    "Turn the knobs",
    LEAD,
    modelChoice(context),
    el(
      "div",
      { class: "knobs-body" },
      el("div", { class: "knobs-pictures" }, after.element, before.element, range.element),
      el("div", {}, el("div", { class: "row" }, resetAll, back, origin), table),
    ),
    how(howText(models)),
  );
  const redraw = whenSeen(element, () => draw({ asked: performance.now(), state: store.get() }));
  store.on(["image", "model", "order", "turns", "codes", "drawn"], ({ drawn }) => {
    back.hidden = drawn === null;
    redraw();
  });
  back.hidden = store.get().drawn === null;
  return element;
}

function howText(models: readonly Model[]): string {
  const sizes = [...new Set(models.map(({ space }) => space.size))].map((size) => counted(size, "number"));
  return (
    `Principal directions are those in which the latents of the training pictures vary most, widest first, with their ` +
    `share of all variance; of ${sizes.join(", or ")} they are the ones worth turning first. σ is one standard deviation. ` +
    `Double click or Delete puts a knob back.`
  );
}
