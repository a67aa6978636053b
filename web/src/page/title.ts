import type { About, ModelAbout } from "./about";
import { el } from "./dom";
import { counted, either, thousands } from "./numbers";

/** The name of the run or the study, and what the page is. */
export function title(about: About): HTMLElement {
  const values = thousands(product(about.image_shape));
  const through = latentSizes(about.models);
  const one = about.models.length === 1;
  const network = one ? "The network is in this page and runs" : "The networks are in this page and run";
  return el(
    "div",
    { class: "title" },
    el("h1", {}, about.title),
    el(
      "p",
      { class: "about" },
      `A picture of ${values} values is squeezed into ${through} and rebuilt from them. ${network} in your browser. No ` +
        "picture leaves it.",
    ),
    about.remarks.length > 0 && el("p", { class: "soft" }, about.remarks.join(" ")),
    one ? modelAbout(about) : el("ul", { class: "models" }, ...about.models.map(modelLine)),
  );
}

/** "10 numbers", or "64 codes" if the latent is discrete. */
export function latentSize({ latent_shape, code_grid }: ModelAbout): string {
  return code_grid ? counted(product(code_grid.shape), "code") : counted(product(latent_shape), "number");
}

/** "10 or 64 numbers", "2 or 10 numbers, or 64 codes" */
function latentSizes(models: readonly ModelAbout[]): string {
  const ofKind = (discrete: boolean) => {
    const sizes = new Set(models.filter((model) => (model.code_grid !== null) === discrete).map(latentSize));
    // The unit stands once, after the last size.
    return either([...sizes].map((size, i) => (i < sizes.size - 1 ? size.split(" ")[0] : size)));
  };
  return [ofKind(false), ofKind(true)].filter(Boolean).join(", or ");
}

function modelLine(model: ModelAbout, index: number): HTMLElement {
  return el(
    "li",
    {},
    el("span", { class: `chip c${index % 6}`, "aria-hidden": "true" }),
    el("span", {}, el("b", {}, model.name), ` ${[latentSize(model), model.about].filter(Boolean).join(" · ")}`),
  );
}

function modelAbout({ models: [{ about }] }: About): HTMLElement | null {
  return about ? el("p", { class: "soft" }, about) : null;
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, size) => result * size, 1);
}
