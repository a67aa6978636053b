import { fromRgba, type Frame, type Picture } from "../pixels/picture";

/** Photographs are read at no more than this many pixels a side: plenty for the models, and quick to crop. */
const MOST = 2048;

/**
 * The pixels of a picture file, in grey, RGB or RGBA. In grey and RGB, transparent parts are drawn over white.
 *
 * Raises: Error if it is not a picture.
 */
export async function readFile(file: Blob, { channels, shown }: Pick<Frame, "channels" | "shown">): Promise<Picture> {
  const bitmap = await decode(file);
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser draws no canvas");
  context.fillStyle = "white";
  if (channels < 4) context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return fromRgba(context.getImageData(0, 0, width, height).data, { channels, shown, width, height });
}

async function decode(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error("That file is not a picture that this browser can read; try PNG or JPEG.");
  }
}
