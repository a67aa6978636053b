import { Engine } from "./engine/engine";
import { answering } from "./engine/places";
import { unpack } from "./engine/unpack";
import { Tensors } from "./latent/safetensors";
import { blobText, readAbout } from "./page/about";
import { followAddress, followPanels, stateOfAddress } from "./page/address";
import { bar } from "./page/bar";
import type { Context } from "./page/context";
import { button, el } from "./page/dom";
import { Gallery } from "./page/gallery";
import { keyHelp, wireKeys } from "./page/keys";
import { Model } from "./page/model";
import { hold, Opening } from "./page/opening";
import { themeButton } from "./page/theme";
import { title } from "./page/title";
import { dream } from "./panels/dream";
import { foot } from "./panels/foot";
import { introduction } from "./panels/introduction";
import { knobs } from "./panels/knobs";
import { look } from "./panels/look";
import { map } from "./panels/map";
import { morph } from "./panels/morph";
import { noise } from "./panels/noise";
import { toFragment } from "./state/fragment";
import type { State } from "./state/state";
import { Store } from "./state/store";

/** For tests and the curious: window.isthmus. */
interface Hooks {
  /** RGBA of the canvas that now shows a model's output, row by row. */
  reconstruction(model: number): Uint8ClampedArray;
  readonly timings: Context["timings"];
  state(): State;
  /** The state as a link's fragment. */
  fragment(): string;
  /** Resolves when nothing is left to compute. */
  settled(): Promise<void>;
}

const root = document.documentElement;
const page = document.getElementById("explorer") as HTMLElement;
const blob = (name: string) => blobText(`blob-${name}`);

async function start(): Promise<void> {
  page.replaceChildren(el("p", { class: "loading", role: "status" }, "Unpacking the networks…"));
  const about = readAbout();
  const engine = new Engine(await answering(), blob);
  const tensors = async (name: string) => new Tensors(await unpack(blob(name)));
  const state = stateOfAddress(about);
  // A picture in the address came with the link; the reader's own is kept beside the address.
  const linked = location.hash.includes("image=own.") ? state.image : null;
  const models = about.models.map(async (_, i) => new Model(about, i, await tensors(`model-${i}`), engine));
  const context: Context = {
    about,
    engine,
    store: new Store(state),
    gallery: new Gallery(about, await tensors("images"), linked),
    models: await Promise.all(models),
    timings: { ready: NaN, redraws: [] },
    opening: new Opening(state.panel),
  };
  await build(context);
}

async function build(context: Context): Promise<void> {
  const { about, store, engine, timings, opening } = context;
  const first = look(context);
  const intro = introduction(context);
  const theme = themeButton(() => document.dispatchEvent(new Event("themechange")));
  const brand = el("p", { class: "brand" }, "isthmus ", el("span", {}, "explorer"));
  const tools = el("div", { class: "tools" },
    button("Introduction", () => intro.show(), { id: "introduction-button" }),
    button("Keys", keyHelp, { title: "Key ?", "aria-haspopup": "dialog" }),
    theme);
  page.replaceChildren(
    el("header", { class: "top" }, brand, tools),
    title(about),
    intro.element,
    bar(context),
    first.element,
    ...[knobs, morph, map, noise, dream].map((panel) => panel(context)),
    foot(context),
  );
  // A shared link goes to its panel before anything is drawn, and stays there while the rest of the page fills.
  const letGo = opening.panel === "look" ? () => {} : hold(opening.panel);
  wireKeys(context);
  followAddress(context);
  const hooks: Hooks = {
    reconstruction: (model) => pixelsOf(first.outputs[model]),
    timings,
    state: () => store.get(),
    fragment: () => toFragment(store.get()),
    settled: () => engine.settled(),
  };
  Object.assign(window, { isthmus: hooks });
  await opening.drawn;
  timings.ready = performance.now();
  root.dataset.ready = "1";
  if (opening.panel !== "look") {
    await first.drawn;
    await engine.settled();
    letGo();
  }
  followPanels(store);
}

function pixelsOf(canvas: HTMLCanvasElement): Uint8ClampedArray {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws no canvas");
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

/** Shows the first error to the reader; later errors usually follow from it. */
function tell(problem: unknown): void {
  if (root.dataset.failed) return;
  page.querySelector(".loading")?.remove();
  const text = problem instanceof Error ? problem.message : String(problem);
  page.prepend(el("p", { class: "problem", role: "alert" }, `Something went wrong: ${text}`));
  root.dataset.failed = "1";
}

addEventListener("unhandledrejection", ({ reason }) => tell(reason));
start().catch(tell);
