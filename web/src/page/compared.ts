import { listed, signed } from "./numbers";

/** A page stores weights in 8 and 16 bits: smaller differences in dB are only rounding. */
const ROUNDING_DB = 0.1;

export interface Compared {
  readonly text: string;
  readonly tone: "better" | "worse" | "even";
}

/** A difference in dB from `name`, in words: "+0.18 dB against PCA", or "same as PCA". */
export function compared(difference: number, name: string): Compared {
  if (Math.abs(difference) < ROUNDING_DB) return { text: `same as ${name}`, tone: "even" };
  return { text: `${signed(difference)} dB against ${name}`, tone: difference > 0 ? "better" : "worse" };
}

/** What a noise panel may claim: which models were trained with noise, and whether their twins without noise are present. */
export function noiseWords(models: readonly { name: string; corruption: string; plain?: number | null }[]): string {
  const seen = models.filter(({ corruption }) => corruption !== "none");
  if (seen.length === 0) {
    return models.length === 1 ? "This model was trained without noise." : "These models were trained without noise.";
  }
  const named = listed(seen.map(({ name, corruption }) => `${name} (${corruption})`));
  const trained = `Trained with noise: ${named}${seen.length < models.length ? "; the others without." : "."}`;
  const alone = seen.filter(({ plain }) => plain == null).map(({ name }) => name);
  if (alone.length === 0) return trained;
  return (
    `${trained} The version of ${listed(alone)} trained without noise is not on this page, so it cannot show ` +
    "what training with noise changed."
  );
}
