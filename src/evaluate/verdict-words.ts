/** Numbers as they stand in a verdict. */

/** "p = 0.0625", "p = 0.31", "p < 0.001": as many digits as matter. */
export function pText(p: number): string {
  if (p < 0.001) return "p < 0.001";
  return `p = ${Number(p.toFixed(p < 0.1 ? 4 : 2))}`;
}

/** "0.91", "−0.02": two decimals, three where a sample makes less than the second one. */
export function shareText(share: number, samples: number): string {
  const text = Math.abs(share).toFixed(samples < 500 ? 2 : 3);
  return share < 0 && Number(text) > 0 ? `−${text}` : text;
}
