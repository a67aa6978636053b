import type { Context } from "../page/context";
import { el, freshId } from "../page/dom";
import { UNTOUCHED } from "../state/state";

export interface Choice<V extends string> {
  readonly element: HTMLElement;
  /** Marks `value` as chosen, without calling the listener. */
  mark(value: V): void;
}

/** A choice among a few values, as a row of radio buttons. */
export function choice<V extends string>(
  legend: string,
  options: readonly { readonly value: V; readonly text: string }[],
  onChoose: (value: V) => void,
): Choice<V> {
  const name = freshId("choice");
  const inputs = options.map(({ value }) =>
    el("input", { type: "radio", name, value, onchange: () => onChoose(value) }),
  );
  const labels = options.map(({ text }, i) => el("label", {}, inputs[i], el("span", {}, text)));
  return {
    element: el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, legend), ...labels),
    mark(value) {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}

/** The choice of a panel's model; null if there is only one model. */
export function modelChoice({ models, store }: Context): HTMLElement | null {
  if (models.length < 2) return null;
  const options = models.map((model) => ({ value: String(model.index), text: model.about.name }));
  const chosen = choice("Model", options, (value) => store.set({ model: Number(value), ...UNTOUCHED }));
  const mark = () => chosen.mark(String(store.get().model));
  store.on(["model"], mark);
  mark();
  return chosen.element;
}
