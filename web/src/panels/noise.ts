import { latest } from "../engine/latest";
import type { Context } from "../page/context";
import { button, el } from "../page/dom";
import { decibels, listed, signed } from "../page/numbers";
import { whenSeen } from "../page/when_seen";
import { addNoise, NOISES, type NoiseKind } from "../pixels/noise";
import { psnr } from "../pixels/psnr";
import { freshSeed } from "../pixels/random";
import type { State } from "../state/state";
import { card } from "../widgets/card";
import { choice } from "../widgets/choice";
import { lineup } from "../widgets/lineup";
import { how, section } from "../widgets/section";

/** Spoil the picture, and see which model mends it. */
export function noise(context: Context): HTMLElement {
  const { store, gallery, models } = context;
  const { width, height } = gallery;
  const target = card({ name: "Target", width, height });
  const noisy = card({ name: "Noisy", width, height });
  let spoilt = 0;
  const line = lineup(context, [target, noisy], false, (_output, _target, score) => [decibels(score), gain(score - spoilt)]);
  const kinds = choice<NoiseKind>(
    "Kind of noise",
    (Object.keys(NOISES) as NoiseKind[]).map((kind) => ({ value: kind, text: NOISES[kind].name })),
    (kind) => store.set({ noise: { ...store.get().noise, kind, strength: NOISES[kind].usual } }),
  );
  const slider = el("input", {
    type: "range", min: 0, step: 1, "aria-label": "Strength of the noise",
    oninput: () => store.set({ noise: { ...store.get().noise, strength: slider.valueAsNumber } }),
  });
  const reading = el("output", { class: "soft" });

  const draw = latest(async ({ image, noise }: State, stale) => {
    const clean = await gallery.of(image);
    const input = addNoise(clean, noise);
    spoilt = psnr(input, clean);
    target.show(clean);
    target.say(...gallery.lines(image));
    noisy.show(input);
    noisy.say(decibels(spoilt), "against the target");
    await line.draw(input, clean, stale);
  });

  function mark({ noise: { kind, strength } }: State): void {
    kinds.mark(kind);
    slider.max = String(NOISES[kind].most);
    slider.value = String(strength);
    reading.textContent = `${Math.round(strength)} ${NOISES[kind].unit}`;
    slider.setAttribute("aria-valuetext", reading.textContent);
  }

  const element = section(
    "noise",
    "Noise",
    "Spoil the picture and see what comes back. A model that learnt to denoise comes out above the noisy picture it was given.",
    el(
      "div",
      { class: "controls" },
      kinds.element,
      el("label", { class: "strength" }, el("span", {}, "Strength"), slider, reading),
      button("Draw again", redrawNoise, { title: "Key n" }),
    ),
    line.element,
    how(`${trainedOn(models.map(({ about }) => [about.name, about.corruption]))} PSNR is against the clean target for all, the noisy picture included.`),
  );

  function redrawNoise(): void {
    store.set({ noise: { ...store.get().noise, seed: freshSeed() } });
  }

  const redraw = whenSeen(element, () => draw(store.get()));
  store.on(["image", "noise"], (state) => {
    mark(state);
    redraw();
  });
  mark(store.get());
  return element;
}

function gain(difference: number): HTMLElement {
  return el("span", { class: difference > 0 ? "better" : "worse" }, `${signed(difference, 1)} dB against noisy`);
}

/** Which models have seen noise in training. */
function trainedOn(models: readonly (readonly [string, string])[]): string {
  const seen = models.filter(([, kind]) => kind !== "none").map(([name, kind]) => `${name} (${kind})`);
  if (seen.length === 0) return models.length === 1 ? "This model was trained without noise." : "These models were trained without noise.";
  return `Trained with noise: ${listed(seen)}${seen.length < models.length ? "; the others without." : "."}`;
}
