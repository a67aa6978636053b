import { latest } from "../engine/latest";
import { anyTurned, UNTURNED } from "../latent/turns";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import { whenSeen } from "../page/when_seen";
import { UNTOUCHED, type State } from "../state/state";
import { card } from "../widgets/card";
import { modelChoice } from "../widgets/choice";
import { how, section } from "../widgets/section";
import { sweep } from "../widgets/sweep";
import { latentTable, ledTo, type Beginning } from "./latent_table";

const LEAD = "The decoder gets these numbers and nothing else. Turn one of them and watch what changes.";
const OF_KNOBS =
  "Every bar starts at the mean of the training pictures. The mark on it is the value of the chosen picture. Principal " +
  "directions are mixtures of the numbers. They are ordered by how much of the training pictures' variance each one " +
  "explains; that share stands beside it. σ is one standard deviation. Double click or Delete resets a knob.";
const OF_CODES =
  "Every position of this latent holds one code out of a codebook. A click places the code chosen above. A second click " +
  "restores the picture's own code. Colours only tell codes apart.";

/** Number of redraws whose times are kept. */
const REMEMBERED = 100;

/** Turn the numbers of a latent, by principal direction or one by one. */
export function knobs(context: Context): HTMLElement {
  const { store, gallery, timings } = context;
  const { width, height } = gallery;
  const original = card({ name: "The picture", width, height });
  const before = card({ name: "As rebuilt", width, height });
  const after = card({ name: "As you turned it", width, height });
  const range = sweep(width, height);
  const table = latentTable(context, (start, place) => aim(start, place));
  const resetAll = button("Reset all", () => store.set({ turns: UNTURNED, codes: {} }), { title: "Key r" });
  const back = button("Back to the picture", () => store.set(UNTOUCHED));
  const hint = how("");
  const origin = el("p", { class: "soft origin" });
  /** What `before` shows, decoded. */
  let shown: Beginning | null = null;

  /** Shows the effect of one knob, with the others at their present positions. */
  function aim(start: Beginning, place: number): void {
    if (!start.model.codebook) range.aim(start.model, ledTo(start, store.get()), store.get().order, place);
  }

  const draw = latest(async ({ asked, state }: { asked: number; state: State }, stale) => {
    const start = await beginning(context, state);
    if (!start) return;
    table.show(start);
    describe(state);
    const picture = await start.model.decode(ledTo(start, state), { urgent: true, stale });
    if (!picture) return;
    after.show(picture);
    timings.redraws.push(performance.now() - asked);
    timings.redraws.splice(0, timings.redraws.length - REMEMBERED);
    if (shown && isSame(shown, start)) return;
    const rebuilt = await start.model.decode(start.z, { urgent: true, stale });
    if (!rebuilt) return;
    before.show(rebuilt);
    original.element.hidden = state.drawn !== null;
    original.show(await gallery.of(state.image));
    shown = start;
    range.clear();
    aim(start, 0);
  });

  function describe({ turns, codes, drawn, image, model }: State): void {
    hint.textContent = context.models[model].codebook ? OF_CODES : OF_KNOBS;
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
  const redraw = whenSeen(element, () => draw({ asked: performance.now(), state: store.get() }));
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
