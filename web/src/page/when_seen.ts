/**
 * Draws a part of the page only while it is near the visible window; a missed drawing is done when it comes near.
 *
 * turn: resolves when this part may draw. Returns a function to call when the part must be drawn again.
 */
export function whenSeen(element: Element, turn: Promise<void>, draw: () => void): () => void {
  let seen = false;
  let due = true;
  let allowed = false;
  const drawIfDue = () => {
    if (!seen || !due || !allowed) return;
    due = false;
    draw();
  };
  const observer = new IntersectionObserver(
    (entries) => {
      seen = entries[entries.length - 1].isIntersecting;
      drawIfDue();
    },
    { rootMargin: "200px" },
  );
  observer.observe(element);
  void turn.then(() => {
    allowed = true;
    drawIfDue();
  });
  return () => {
    due = true;
    drawIfDue();
  };
}
