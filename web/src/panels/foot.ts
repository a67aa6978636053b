import type { Context } from "../page/context";
import { el } from "../page/dom";
import { thousands } from "../page/numbers";

/** The page's numbers and recipes. */
export function foot({ about, models }: Context): HTMLElement {
  const facts: (readonly [string, string])[] = [
    ...about.facts,
    ["Latents", models.map(latentFact).join("; ")],
    ["Written", about.created],
  ];
  return el(
    "footer",
    { class: "foot" },
    el("h2", {}, "Numbers and recipes"),
    pairs(facts),
    ...about.recipes.map(([name, text]) =>
      el("details", {}, el("summary", {}, `Recipe of ${name}`), el("pre", { class: "recipe", tabindex: 0 }, el("code", {}, text))),
    ),
    el("p", { class: "soft" }, "Made by isthmus. This page holds everything it shows, the networks included, and loads nothing."),
  );
}

function pairs(rows: readonly (readonly [string, string])[]): HTMLElement {
  return el("dl", { class: "pairs" }, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function latentFact({ about }: Context["models"][number]): string {
  return `${about.name}: ${about.kind}, ${about.latent_shape.map(thousands).join(" × ")}`;
}
