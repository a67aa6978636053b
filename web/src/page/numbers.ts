/** "17.5 dB" */
export function decibels(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 1)} dB`;
}

/** "+0.18" with a real minus sign. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : "+") + text;
}

/** "3,072" */
export function thousands(value: number): string {
  return value.toLocaleString("en-GB");
}

/** "1 number", "10 numbers" */
export function counted(count: number, one: string): string {
  return `${thousands(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** "a", "a and b", "a, b and c" */
export function listed(items: readonly string[]): string {
  return joined(items, "and");
}

/** "a", "a or b", "a, b or c" */
export function either(items: readonly string[]): string {
  return joined(items, "or");
}

function joined(items: readonly string[], last: string): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${last} ${items[items.length - 1]}`;
}
