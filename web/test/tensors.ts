import { Tensors } from "../src/latent/safetensors";

interface Given {
  readonly dtype: "F32" | "I8" | "U8" | "U16" | "I32";
  readonly shape: number[];
  readonly data: ArrayBufferView;
}

/** A safetensors file of these tensors, one after the other. */
export function safetensors(given: Record<string, Given>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { made: "by a test" } };
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(given)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype, shape, data_offsets: [end, (end += bytes.length)] };
    parts.push(bytes);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** The tensors of a latent of 3 numbers whose two kept directions are the first axis, 2 wide, and the diagonal of the others, 0.5 wide. */
export function latentTensors(): Tensors {
  const diagonal = Math.SQRT1_2 / 127;
  return new Tensors(
    safetensors({
      // 1 byte first, so that nothing after it begins where its type may.
      odd: { dtype: "U8", shape: [1], data: Uint8Array.of(7) },
      mean: { dtype: "F32", shape: [3], data: Float32Array.of(1, 2, 3) },
      std: { dtype: "F32", shape: [3], data: Float32Array.of(2, 1, 0) },
      share: { dtype: "F32", shape: [2], data: Float32Array.of(0.75, 0.125) },
      steps: { dtype: "I8", shape: [2, 3], data: Int8Array.of(127, 0, 0, 0, 127, -127) },
      steps_scale: { dtype: "F32", shape: [2], data: Float32Array.of(2 / 127, 0.5 * diagonal) },
      readings: { dtype: "I8", shape: [2, 3], data: Int8Array.of(127, 0, 0, 0, 127, -127) },
      readings_scale: { dtype: "F32", shape: [2], data: Float32Array.of(0.5 / 127, 2 * diagonal) },
    }),
  );
}

/** As an assertion wants it: plain numbers with 5 decimals. */
export function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => Math.round(value * 1e5) / 1e5 + 0);
}
