/** Numbers as they stand in tables and figures; the minus is a minus sign. */

/** "0.912"; "–" where it is not defined. */
export function score(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(3);
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** "+0.042", "−0.020", "0.000". */
export function signed(value: number): string {
  const text = score(value);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** "0.870–0.945"; "−0.020 to 0.081" where a sign would run into the dash. */
export function range(low: number, high: number, shown: (value: number) => string = score): string {
  const ends = [low, high].map(shown);
  return ends.join(ends.some((end) => /^[−+]/.test(end)) ? " to " : "–");
}

/** "0.912 (0.870–0.945)"; the value alone where it has no interval. */
export function withRange(
  value: number,
  low: number | null,
  high: number | null,
  shown: (value: number) => string = score,
): string {
  return low === null || high === null ? shown(value) : `${shown(value)} (${range(low, high, shown)})`;
}

/** "0.812 ± 0.031"; the mean alone where one fold gives no spread. */
export function meanSd(mean: number, sd: number | null): string {
  return sd === null || !Number.isFinite(sd) ? score(mean) : `${score(mean)} ± ${score(sd)}`;
}

/** A measured share of 1: "93.5 %". */
export const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** "1,740". */
export const whole = (n: number): string => n.toLocaleString("en-US");
