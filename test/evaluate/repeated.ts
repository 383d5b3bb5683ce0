/** Rows of `width` values, each taken so many times. */
export function repeated<T extends Int32Array | Float32Array | Float64Array>(
  rows: T,
  times: Int32Array,
  width = 1,
): T {
  const values = [...times].flatMap((n, i) =>
    new Array<number[]>(n).fill([...rows.subarray(i * width, (i + 1) * width)]).flat(),
  );
  return (rows.constructor as unknown as { from(values: number[]): T }).from(values);
}
