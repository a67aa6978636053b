import { el } from "../page/dom";
import { sigmas } from "../page/turned_words";
import { arrowSteps } from "./arrow_steps";

/** Range of a knob from the mean, in standard deviations, unless its picture lies further out. */
const REACH = 3;
/** A press of an arrow key, in standard deviations. */
const STEP = 0.1;

export interface Knob {
  readonly element: HTMLElement;
  /** value: its position; home: its position in the picture; both in standard deviations. */
  show(value: number, home: number): void;
}

export interface KnobEvents {
  readonly turn: (value: number) => void;
  readonly reset: () => void;
  readonly focus: () => void;
}

/** One number of a latent as a bar from the mean to its value; a range input, so that keys and screen readers work. */
export function knob(name: string, detail: string, description: string, dead: boolean, events: KnobEvents): Knob {
  const input = el("input", {
    type: "range",
    step: 0.01,
    "aria-label": description,
    title: dead ? "Never varies: the model does not use this number" : "Double click or Delete resets it",
    disabled: dead,
    oninput: () => events.turn(input.valueAsNumber),
    onfocus: events.focus,
    ondblclick: events.reset,
    onkeydown: (event: KeyboardEvent) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      events.reset();
    },
  });
  arrowSteps(input, STEP, events.turn);
  const now = el("span", {});
  const was = el("small", {});
  const element = el(
    "label",
    { class: dead ? "knob dead" : "knob" },
    el("span", { class: "knob-name" }, name, detail && el("small", {}, detail)),
    input,
    el("output", {}, now, was),
  );
  return {
    element,
    show(value, home) {
      const low = Math.min(-REACH, Math.floor(10 * home) / 10);
      const high = Math.max(REACH, Math.ceil(10 * home) / 10);
      [input.min, input.max] = [String(low), String(high)];
      input.value = String(value);
      const turned = Math.abs(value - home) > 0.005;
      now.textContent = sigmas(value);
      was.textContent = turned ? `was ${sigmas(home)}` : "";
      input.setAttribute("aria-valuetext", turned ? `${sigmas(value)}, in the picture ${sigmas(home)}` : sigmas(value));
      const share = (place: number) => Math.min(1, Math.max(0, (place - low) / (high - low)));
      const style = element.style;
      style.setProperty("--from", String(Math.min(share(0), share(value))));
      style.setProperty("--to", String(Math.max(share(0), share(value))));
      style.setProperty("--home", String(share(home)));
      element.classList.toggle("turned", turned);
    },
  };
}
