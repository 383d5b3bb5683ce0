/**
 * The splits of a run out of its labels and settings, checked: what cannot be trained or tested is refused here, before
 * a folder is made. Pure.
 */
import { defaultValidation, type Settings } from "../config.js";
import { LEAST_SAMPLES } from "../evaluate/temperature.js";
import type { LabelSet } from "../io/labels.js";
import type { Splits } from "../io/splits.js";
import { RandomState } from "../random.js";
import { checkGroups, checkNested, checkSplits } from "../train/folds/check.js";
import { makeFolds } from "../train/folds/make-folds.js";
import { splitColumn } from "../train/folds/split-column.js";
import { carveValidation } from "../train/folds/validation.js";

export interface DrawnSplits extends Splits {
  /** Sentences for the reader. */
  notes: string[];
}

/** Keeps the draw of the final net's validation part apart from the others (make-folds.ts). */
const FINAL = 0xf17a1;

/**
 * @param column texts of a column of obs for the kept samples, null where missing
 * @throws CellhueError where there are no such folds
 */
export function drawSplits(
  labels: LabelSet,
  settings: Settings,
  column: (name: string, option: string) => (string | null)[],
): DrawnSplits {
  const { cv, folds, repeats, seed, validation, group, split } = settings;
  const { codes, classes, rows } = labels;
  const notes: string[] = [];
  const checked =
    group === null
      ? undefined
      : checkGroups({
          labels: Array.from(codes, (code) => classes[code]),
          groups: column(group, "--group"),
          label: labels.column,
          group,
          cv,
          folds,
          rows,
        });
  notes.push(...(checked?.warnings ?? []));
  const groups = checked?.groups;
  const fixed = split === null ? undefined : splitColumn(column(split, "--split"), split, rows);
  // A part of the usual share that is too small to calibrate by would be lost for nothing. Whatever the protocol: an audit
  // asks for the same share under the other one, and must draw the same samples.
  const usual = validation === defaultValidation("inductive");
  const asked = usual ? 0 : validation;
  const leastValidation = usual && settings.patience === 0 ? LEAST_SAMPLES : 1;
  const drawing = { cv, folds, repeats, seed, groups, split: fixed, validation, leastValidation };
  const splits = makeFolds(codes, drawing);
  notes.push(...checkSplits(splits, { codes, classes, cv, validation: asked, groups }));
  const without = splits.filter((s) => s.validation.length === 0);
  const spared = without.filter(
    ({ train }) => Math.ceil(validation * train.length) >= leastValidation,
  ).length;
  if (validation > 0 && spared > 0)
    notes.push(
      `${spared} of ${splits.length} folds have no validation part, as no groups can be spared: nothing is calibrated there`,
    );
  if (Object.keys(settings.tune).length > 0)
    checkNested(splits, {
      codes,
      classes,
      cv,
      validation: asked,
      groups,
      inner: { cv: innerCv(cv), folds: settings.innerFolds, seed, groups },
    });
  const whole = { train: Int32Array.from(codes, (_, i) => i), test: new Int32Array(0) };
  const final =
    cv === "split" && splits.length === 1
      ? { train: splits[0].train, validation: splits[0].validation, sameAs: 0 }
      : {
          ...carveValidation(whole, codes, {
            share: validation,
            leastValidation,
            seed: new RandomState([seed, FINAL]),
            groups: cv === "stratified" ? undefined : groups?.codes,
          }),
          sameAs: null,
        };
  return {
    splits,
    final,
    groups: groups ? Array.from(groups.codes, (code) => groups.names[code]) : null,
    notes,
  };
}

/** A fixed split says nothing of inner folds. */
export const innerCv = (cv: Settings["cv"]): Exclude<Settings["cv"], "split"> =>
  cv === "split" ? "stratified" : cv;
