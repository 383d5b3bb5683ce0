/** IEEE 754 half precision, which Node before 24 has no array for. */

/** @param b the 16 bits */
export function float16(b: number): number {
  const exponent = (b >> 10) & 31;
  const fraction = b & 1023;
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return b & 0x8000 ? -size : size;
}
