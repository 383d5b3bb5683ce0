/** Numbers in text, fast: as Number() reads them, but of plain decimal notation only. */

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;
const POWERS = Float64Array.from({ length: 23 }, (_, k) => 10 ** k);

const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/**
 * The number in bytes `from` to `to`; NaN where there is none. Up to 15 digits are exact in a float64, as are powers of
 * ten up to 22, so that their quotient is rounded once, as it should be; all else goes the slow way.
 * @param point the byte of the decimal point (a comma in some countries)
 */
export function numberAt(bytes: Uint8Array, from: number, to: number, point = POINT): number {
  let at = from;
  const negative = bytes[at] === MINUS;
  if (negative || bytes[at] === PLUS) at++;
  let whole = 0;
  let digits = 0;
  let behind = -1;
  for (; at < to; at++) {
    const b = bytes[at];
    const d = b - ZERO;
    if (d >= 0 && d <= 9) {
      whole = whole * 10 + d;
      digits++;
      if (behind >= 0) behind++;
    } else if (b === point && behind < 0) behind = 0;
    else return slow(bytes, from, to, point);
  }
  if (digits === 0) return Number.NaN;
  if (digits > 15) return slow(bytes, from, to, point);
  const value = behind > 0 ? whole / POWERS[behind] : whole;
  return negative ? -value : value;
}

function slow(bytes: Uint8Array, from: number, to: number, point: number): number {
  if (to - from > 400) return Number.NaN;
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] === point ? POINT : bytes[i]);
  return numberOf(text);
}

/** The number that a text is; NaN where it is none. */
export function numberOf(text: string): number {
  const plain = text.trim();
  if (PLAIN.test(plain)) return Number(plain);
  const infinite = INFINITE.exec(plain);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number.NaN;
}

/** What stands for a missing value: nothing, and how R, pandas and spreadsheets write it. */
export function isMissing(text: string): boolean {
  return /^\s*(NA|NaN|nan|N\/A|#N\/A|#NA)?\s*$/.test(text);
}
