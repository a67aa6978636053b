import type { About } from "./about";
import { el } from "./dom";
import { counted, thousands } from "./numbers";

/** The name of the run or the study, and what the page is. */
export function title(about: About): HTMLElement {
  const values = thousands(product(about.image_shape));
  const sizes = [...new Set(about.models.map(({ latent_shape }) => thousands(product(latent_shape))))];
  const through = sizes.length < 2 ? sizes[0] : `${sizes.slice(0, -1).join(", ")} or ${sizes[sizes.length - 1]}`;
  const one = about.models.length === 1;
  const network = one ? "The network is in this page and runs" : "The networks are in this page and run";
  return el(
    "div",
    { class: "title" },
    el("h1", {}, about.title),
    el(
      "p",
      { class: "about" },
      `A picture of ${values} values is squeezed into ${through} and rebuilt from them. ${network} in your browser: ` +
        `give ${one ? "it" : "them"} pictures, turn ${one ? "its" : "their"} numbers, and see what they stand for. No picture leaves your browser.`,
    ),
    about.remarks.length > 0 && el("p", { class: "soft" }, about.remarks.join(" ")),
    one ? modelAbout(about) : el("ul", { class: "models" }, ...about.models.map(modelLine)),
  );
}

function modelLine({ name, about, latent_shape }: About["models"][number], index: number): HTMLElement {
  return el(
    "li",
    {},
    el("span", { class: `chip c${index % 6}`, "aria-hidden": "true" }),
    el("span", {}, el("b", {}, name), ` ${[counted(product(latent_shape), "number"), about].filter(Boolean).join(" · ")}`),
  );
}

function modelAbout({ models: [{ about }] }: About): HTMLElement | null {
  return about ? el("p", { class: "soft" }, about) : null;
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, size) => result * size, 1);
}
