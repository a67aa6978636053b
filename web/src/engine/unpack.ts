/** Decodes base64 of gzip. Raises: Error if the text is not base64 of gzip. */
export async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("part of this page is damaged; make it anew with `isthmus explore`");
  }
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
