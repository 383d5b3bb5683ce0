/** A share of 1 in words: "95 %", "99.5 %", "0.05 %"; at most four digits. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}
