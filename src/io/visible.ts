/**
 * Text out of a file, made safe for a terminal: control characters (escape sequences, carriage returns), direction
 * overrides and invisible separators are written as \u{…} instead of being sent.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** @returns the text on one line, cut to `most` characters */
export function visible(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(hidden, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}

/** A name as a word of a shell command that a user may copy. */
export function shellWord(name: string): string {
  return /^[\w.+/-]+$/.test(name) ? name : `'${visible(name).replaceAll("'", "'\\''")}'`;
}
