/** Reads test/fixtures/{folds,splitters}.json, and holds folds against them. */
import { expect } from "vitest";
import type { Fold } from "../../../src/train/folds/fold.js";

/** Codes as test/oracles/folds.py writes them: so many base-36 digits a row. */
export function digits(text: string, width = 1): Int32Array {
  return Int32Array.from({ length: text.length / width }, (_, i) =>
    Number.parseInt(text.slice(i * width, (i + 1) * width), 36),
  );
}

/** @param foldOf the fold that tests each row; −1: none does */
export function expectFolds(folds: readonly Fold[], foldOf: ArrayLike<number>, count: number): void {
  const rows = Array.from({ length: foldOf.length }, (_, row) => row);
  expect(folds).toHaveLength(count);
  folds.forEach(({ train, test }, fold) => {
    expect([...test]).toEqual(rows.filter((row) => foldOf[row] === fold));
    expect([...train]).toEqual(rows.filter((row) => foldOf[row] !== fold));
  });
}
