/** Types of figures.mjs. */
export interface Part {
  made: string;
  machine: string;
  found: unknown;
}
export type Parts = Partial<Record<string, Part>>;
export function kindOf(cpus: readonly { model: string }[], flags: string): string;
export function compare(now: Parts, kept: Parts, kind: string): { lines: string[]; slower: string[] };
