/** A listener where the name begins with "on", an attribute otherwise; false and undefined leave it out. */
type Properties = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;
type Child = Node | string | number | null | undefined | false;

/** An element. Text is always text: nothing here, or anywhere in these sources, parses HTML. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as unknown as EventListener);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(isShown).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** A quiet button. */
export function button(text: string, onclick: () => void, properties: Properties = {}): HTMLButtonElement {
  return el("button", { type: "button", class: "quiet", onclick, ...properties }, text);
}

let count = 0;

/** An id that no other element has. */
export function freshId(prefix: string): string {
  return `${prefix}-${++count}`;
}

function isShown(child: Child): child is Node | string | number {
  return child !== null && child !== undefined && child !== false;
}
