// Builds what `isthmus explore` puts into a page: src/isthmus/pages/explorer/bundle/{explorer.js,explorer.css,runtime.wasm.gz}.

import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(here, "../src/isthmus/pages/explorer/bundle");
const runtime = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-web")), "ort-wasm-simd-threaded.wasm");

const shared = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", logLevel: "warning" };

/** `import text from "engine:script"`: what a worker runs, as text, since a file:// page can load no second file. */
const engine = {
  name: "engine-script",
  setup(step) {
    step.onResolve({ filter: /^engine:script$/ }, ({ path }) => ({ path, namespace: "engine" }));
    step.onLoad({ filter: /.*/, namespace: "engine" }, async () => ({ contents: await engineScript(), loader: "text" }));
  },
};

async function engineScript() {
  // A classic script: Chromium starts no module worker from a blob of a file:// page. It has no import.meta.
  const define = { "import.meta.url": "self.location.href" };
  const result = await build({ ...shared, entryPoints: [join(here, "src/engine/worker.ts")], format: "iife", define });
  return result.outputFiles[0].text;
}

async function script() {
  const result = await build({ ...shared, entryPoints: [join(here, "src/main.ts")], format: "iife", plugins: [engine] });
  const text = result.outputFiles[0].text;
  // The page holds the script inside a <script> element, which either of these would end or confuse.
  if (/<\/script|<!--/i.test(text)) throw new Error("explorer.js holds text that would end its <script> element");
  return text;
}

async function style() {
  const result = await build({ ...shared, entryPoints: [join(here, "src/explorer.css")] });
  return result.outputFiles[0].text;
}

await rm(bundle, { recursive: true, force: true });
await mkdir(bundle, { recursive: true });
await writeFile(join(bundle, "explorer.js"), await script());
await writeFile(join(bundle, "explorer.css"), await style());
const packed = gzipSync(await readFile(runtime), { level: constants.Z_BEST_COMPRESSION, memLevel: 9 });
await writeFile(join(bundle, "runtime.wasm.gz"), packed);

for (const name of ["explorer.js", "explorer.css", "runtime.wasm.gz"]) {
  const { size } = await stat(join(bundle, name));
  console.log(`${name.padEnd(16)} ${(size / 1024).toFixed(0).padStart(6)} KiB`);
}
