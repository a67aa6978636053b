import { latest } from "../engine/latest";
import { anyTurned, positions, UNTURNED, within } from "../latent/turns";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import { codeWords, turnedWords, type KnobPlace } from "../page/turned_words";
import { whenSeen } from "../page/when_seen";
import { UNTOUCHED, type State } from "../state/state";
import { card } from "../widgets/card";
import { modelChoice } from "../widgets/choice";
import { placesOf } from "../widgets/knob_bank";
import { how, section } from "../widgets/section";
import { sweep } from "../widgets/sweep";
import { latentTable, ledTo, type Beginning } from "./latent_table";

const LEAD = "The decoder gets the latent and nothing else. Change a part of it and watch what changes in the picture.";
const OF_KNOBS =
  "Every bar starts at the mean of the training pictures. The mark on it is the value of the chosen picture. σ is one " +
  "standard deviation. Double click or Delete resets a knob.";
const HINTS = {
  directions: `Principal directions are mixtures of the numbers, and the first ones matter most. ${OF_KNOBS}`,
  numbers: `${OF_KNOBS} A number that never varies cannot be turned: the model does not use it.`,
  codes:
    "Every position of this latent holds one code out of a codebook. A click places the code chosen above. A second click " +
    "restores the picture's own code. Colours only tell codes apart.",
};

/** Number of redraws whose times are kept. */
const REMEMBERED = 100;

/** Turn the numbers of a latent, by principal direction or one by one. */
export function knobs(context: Context): HTMLElement {
  const { store, gallery, timings, opening } = context;
  const { width, height } = gallery;
  const original = card({ name: "The picture", width, height });
  const before = card({ name: "As rebuilt", width, height });
  const after = card({ name: "Nothing turned yet", width, height });
  const range = sweep(width, height);
  const table = latentTable(context, {
    knob: (knob) => {
      turnedLast = knob;
      if (shown) aim(shown, store.get());
    },
    code: (position) => (changedLast = position),
  });
  const resetAll = button("Reset all", () => store.set({ turns: UNTURNED, codes: {} }), { title: "Key r" });
  const back = button("Back to the picture", () => store.set(UNTOUCHED));
  const hint = how("");
  const origin = el("p", { class: "soft origin" });
  /** What `before` shows, decoded. */
  let shown: Beginning | null = null;
  /** What the sweep shows; it stays as it is while its own knob is turned. */
  let swept = "";
  let turnedLast: KnobPlace | null = null;
  let changedLast: number | null = null;

  /** Sweeps the knob that was turned last, or the first one, with the others as they stand. */
  function aim(start: Beginning, state: State): void {
    const { model: { codebook, space, index } } = start;
    if (codebook) return range.clear();
    const count = state.order === "numbers" ? space.size : space.kept;
    const last = turnedLast?.order === state.order && turnedLast.place < count ? turnedLast : null;
    const knob = last ?? { order: state.order, place: placesOf(space, state.order)[0] };
    const others = { ...state.turns, [knob.order]: { ...state.turns[knob.order], [knob.place]: 0 } };
    const wanted = JSON.stringify([index, knob, others]);
    if (wanted === swept) return;
    swept = wanted;
    range.aim(start.model, ledTo(start, state), knob);
  }

  const draw = latest(async ({ asked, state }: { asked: number; state: State }, stale) => {
    const start = await beginning(context, state);
    if (!start) return;
    table.show(start);
    describe(state);
    const picture = await start.model.decode(ledTo(start, state), { urgent: true, stale });
    if (!picture) return;
    after.show(picture);
    after.rename(changed(start, state));
    timings.redraws.push(performance.now() - asked);
    timings.redraws.splice(0, timings.redraws.length - REMEMBERED);
    if (!shown || !isSame(shown, start)) {
      const rebuilt = await start.model.decode(start.z, { urgent: true, stale });
      if (!rebuilt) return;
      before.show(rebuilt);
      before.rename(state.drawn ? "As drawn" : "As rebuilt");
      original.element.hidden = state.drawn !== null;
      original.show(await gallery.of(state.image));
      [shown, swept] = [start, ""];
    }
    aim(start, state);
    opening.done("knobs");
  });

  /** What sets the picture apart from the one as rebuilt. */
  function changed({ model: { space, codebook, about }, z }: Beginning, { turns, codes }: State): string {
    if (codebook && about.code_grid) {
      const [rows, columns] = about.code_grid.shape;
      return codeWords(codebook.within(codes, rows * columns), changedLast, columns) ?? "No code changed yet";
    }
    const held = within(space, turns);
    const at = ({ order, place }: KnobPlace) => positions(space, z, held, order)[place];
    return turnedWords(held, turnedLast, at) ?? "Nothing turned yet";
  }

  function describe({ turns, codes, drawn, image, model, order }: State): void {
    hint.textContent = context.models[model].codebook ? HINTS.codes : HINTS[order];
    origin.textContent = drawn ? "Started from a picture of Dream" : `Started from ${gallery.describe(image)}`;
    resetAll.disabled = !anyTurned(turns) && Object.keys(codes).length === 0;
    back.hidden = drawn === null;
  }

  const element = section(
    "knobs",
    "Turn the knobs",
    LEAD,
    modelChoice(context),
    el(
      "div",
      { class: "knobs-body" },
      el("div", { class: "knobs-pictures" }, after.element, before.element, original.element),
      el("div", {}, table.element, el("div", { class: "row knobs-foot" }, resetAll, back, origin), range.element),
    ),
    hint,
  );
  const redraw = whenSeen(element, opening.turnOf("knobs"), () => draw({ asked: performance.now(), state: store.get() }));
  store.on(["image", "model", "order", "turns", "codes", "drawn"], redraw);
  describe(store.get());
  return element;
}

/** The latent of the chosen picture, or of the chosen draw. */
async function beginning({ models, gallery }: Context, { model: index, drawn, image }: State): Promise<Beginning | null> {
  const model = models[index];
  if (drawn) return { model, z: model.draw(drawn.seed, drawn.place) };
  const z = await model.encode(await gallery.of(image), { urgent: true });
  return z && { model, z };
}

function isSame(one: Beginning, other: Beginning): boolean {
  return one.model === other.model && one.z.every((value, i) => value === other.z[i]);
}
