const VIEWS = {
  F32: Float32Array,
  I32: Int32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  I8: Int8Array,
} as const;

type Dtype = keyof typeof VIEWS;

/** The type in which a tensor's numbers are stored. */
export type Numbers<D extends Dtype = Dtype> = InstanceType<(typeof VIEWS)[D]>;

interface Entry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

/** The tensors of a safetensors file. */
export class Tensors {
  private readonly entries: ReadonlyMap<string, Entry>;
  private readonly data: Uint8Array;

  /** Raises: Error if the bytes are not a safetensors file. */
  constructor(bytes: Uint8Array) {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
    if (8 + length > bytes.length) throw new Error("a safetensors file ends inside its header");
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, Entry>;
    this.entries = new Map(Object.entries(header).filter(([name]) => name !== "__metadata__"));
    this.data = bytes.subarray(8 + length);
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  shape(name: string): readonly number[] {
    return this.entry(name).shape;
  }

  /** The numbers of a tensor, row by row. Raises: Error if there is no tensor with that name and type. */
  numbers<D extends Dtype>(name: string, dtype: D): Numbers<D> {
    const entry = this.entry(name);
    if (entry.dtype !== dtype) throw new Error(`tensor ${name} is ${entry.dtype}, not ${dtype}`);
    const [start, end] = entry.data_offsets;
    // A copy: a tensor's first byte may not be aligned for its type.
    const { buffer } = this.data.slice(start, end);
    return new VIEWS[dtype](buffer) as Numbers<D>;
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new Error(`the page holds no tensor ${name}`);
    return entry;
  }
}
