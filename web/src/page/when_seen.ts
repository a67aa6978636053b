/**
 * Draws a part of the page only while it is near the visible window; a missed drawing is done when it comes near.
 *
 * Returns a function to call when the part must be drawn again.
 */
export function whenSeen(element: Element, draw: () => void): () => void {
  let seen = false;
  let due = true;
  const drawIfDue = () => {
    if (!seen || !due) return;
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
  return () => {
    due = true;
    drawIfDue();
  };
}
