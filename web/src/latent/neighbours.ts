/**
 * The `count` rows of `table` (rows, D) nearest to `point` (D,), nearest first.
 *
 * scale (D,): each difference is divided by it; a coordinate that never varies (scale 0) does not count.
 */
export function nearest(
  point: ArrayLike<number>,
  table: ArrayLike<number>,
  count: number,
  scale: ArrayLike<number> | null = null,
): number[] {
  const size = point.length;
  const distances = Float64Array.from({ length: table.length / size }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const difference = table[row * size + i] - point[i];
      if (scale === null) sum += difference ** 2;
      else if (scale[i] > 0) sum += (difference / scale[i]) ** 2;
    }
    return sum;
  });
  const order = Array.from(distances.keys()).sort((a, b) => distances[a] - distances[b]);
  return order.slice(0, count);
}
