/** Keeps a small text from visit to visit. Some browsers give local files and framed pages no storage: then it is lost. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then lasts for this visit.
  }
}

/** The text kept under `key`; null if there is none, or no storage. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
