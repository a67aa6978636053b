/** Arrow keys move a slider by `step`. A knob is finer than that for the pointer, and would need hundreds of presses. */
export function arrowSteps(slider: HTMLInputElement, step: number, onMove: (value: number) => void): void {
  const ways: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  slider.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(ways, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    slider.valueAsNumber += ways[event.key] * step; // the slider keeps to its ends
    onMove(slider.valueAsNumber);
  });
}
