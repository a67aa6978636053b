/** One step to the side and one down, in screen directions. */
const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1],
};

/**
 * Walks over buttons in rows with the arrow keys, so that Tab needs one stop for all of them.
 *
 * onMove: called with the button that has got the focus. Returns a function that makes `place` the stop of Tab.
 */
export function roving(
  group: HTMLElement,
  buttons: readonly HTMLButtonElement[],
  onMove: (place: number) => void = () => {},
): (place: number) => void {
  function stop(place: number): void {
    buttons.forEach((button, i) => (button.tabIndex = i === place ? 0 : -1));
  }

  group.addEventListener("keydown", (event) => {
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = to(event.key, here);
    if (next === null) return;
    event.preventDefault();
    if (next === here || !buttons[next]) return;
    stop(next);
    buttons[next].focus();
    onMove(next);
  });
  // A click moves the focus too: the arrow keys go on from there.
  group.addEventListener("focusin", (event) => {
    const place = buttons.indexOf(event.target as HTMLButtonElement);
    if (place >= 0) stop(place);
  });

  function to(key: string, here: number): number | null {
    if (key === "Home") return 0;
    if (key === "End") return buttons.length - 1;
    if (!Object.hasOwn(WAYS, key)) return null;
    const [right, down] = WAYS[key];
    return beside(here, right, down) ?? here + right;
  }

  /** The next button straight ahead on the screen: rows may run either way. */
  function beside(here: number, right: number, down: number): number | null {
    const centres = buttons.map((button) => {
      const { left, top, width, height } = button.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    });
    let [best, least]: [number | null, number] = [null, Infinity];
    centres.forEach(([x, y], place) => {
      const [across, along] = [x - centres[here][0], y - centres[here][1]];
      const ahead = across * right + along * down;
      if (ahead > 1 && Math.abs(across * down) + Math.abs(along * right) < 1 && ahead < least) [best, least] = [place, ahead];
    });
    return best;
  }

  stop(0);
  return stop;
}
