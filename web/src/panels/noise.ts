import { latest } from "../engine/latest";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import { compared, noiseWords } from "../page/compared";
import { decibels, signed } from "../page/numbers";
import { whenSeen } from "../page/when_seen";
import { addNoise, NOISES, type NoiseKind } from "../pixels/noise";
import { psnr } from "../pixels/psnr";
import { freshSeed } from "../pixels/random";
import type { State } from "../state/state";
import { card } from "../widgets/card";
import { choice } from "../widgets/choice";
import { lineup } from "../widgets/lineup";
import { how, section } from "../widgets/section";

/** Adds noise to the picture and shows what each model makes of it. */
export function noise(context: Context): HTMLElement {
  const { store, gallery, models, opening } = context;
  const { width, height } = gallery;
  const target = card({ name: "Target", width, height });
  const noisy = card({ name: "Noisy", width, height });
  let spoilt = 0;
  const line = lineup(context, [target, noisy], false, ({ score, model, scores }) => {
    const plain = model?.about.plain == null ? undefined : scores.get(model.about.plain);
    const twin = plain === undefined ? "" : against(score - plain, models[model!.about.plain!].about.name);
    return [decibels(score), `${signed(score - spoilt, 1)} dB against noisy`, twin];
  });
  const kinds = choice<NoiseKind>(
    "Kind of noise",
    (Object.keys(NOISES) as NoiseKind[]).map((kind) => ({ value: kind, text: NOISES[kind].name })),
    (kind) => store.set({ noise: { ...store.get().noise, kind, strength: NOISES[kind].usual } }),
  );
  const slider = el("input", {
    type: "range", min: 0, step: 1,
    oninput: () => store.set({ noise: { ...store.get().noise, strength: slider.valueAsNumber } }),
  });
  const measure = el("span", {});
  const reading = el("output", { class: "soft" });

  const draw = latest(async ({ image, noise }: State, stale) => {
    const clean = await gallery.of(image);
    const input = addNoise(clean, noise);
    spoilt = psnr(input, clean);
    target.show(clean);
    target.say(...gallery.lines(image));
    noisy.show(input);
    noisy.say(decibels(spoilt), "against the target");
    if (await line.draw(input, clean, stale)) opening.done("noise");
  });

  function mark({ noise: { kind, strength } }: State): void {
    kinds.mark(kind);
    measure.textContent = NOISES[kind].measure;
    slider.max = String(NOISES[kind].most);
    slider.value = String(strength);
    reading.textContent = `${Math.round(strength)} ${NOISES[kind].unit}`;
    slider.setAttribute("aria-valuetext", reading.textContent);
  }

  const element = section(
    "noise",
    "Noise",
    "Add noise to the picture and see what the models make of it. Every model removes some noise, because noise does not fit into few numbers. A model that learned to denoise removes more than the same model trained without noise.",
    el(
      "div",
      { class: "controls" },
      kinds.element,
      el("label", { class: "strength" }, measure, slider, reading),
      button("Draw again", redrawNoise, { title: "Key n" }),
    ),
    line.element,
    how(`${noiseWords(models.map(({ about }) => about))} Every PSNR, also that of the noisy picture, compares with the clean picture.`),
  );

  function redrawNoise(): void {
    store.set({ noise: { ...store.get().noise, seed: freshSeed() } });
  }

  const redraw = whenSeen(element, opening.turnOf("noise"), () => draw(store.get()));
  store.on(["image", "noise"], (state) => {
    mark(state);
    redraw();
  });
  mark(store.get());
  return element;
}

function against(difference: number, plain: string): HTMLElement {
  const { text, tone } = compared(difference, plain);
  return el("span", { class: tone }, text);
}
