/**
 * How classes lie in groups, which decides whether group folds exist: a class whose samples are all of one group is
 * gone from training whenever that group is held out.
 */
import { byCodePoint } from "../../io/labels.js";
import { cramersV } from "./cramers-v.js";
import type { Grouping } from "./make-folds.js";

export interface ClassInGroups {
  name: string;
  samples: number;
  /** Those with a sample of the class, the largest first. */
  groups: { name: string; samples: number }[];
}

export interface Association {
  /**
   * "coincide": every class is one group and every group one class; "class in one group": every class lies in one
   * group, and some group holds several; "group in one class": every group holds one class, and some class has several
   * (patients of which each has one diagnosis); else "crossed".
   */
  relation: "coincide" | "class in one group" | "group in one class" | "crossed";
  /** NaN where there is one class or one group only. */
  cramersV: number;
  /** Sorted by code point. */
  classes: ClassInGroups[];
  groups: Grouping;
}

/**
 * @param labels class of each row
 * @param groups group of each row
 */
export function associate(labels: readonly string[], groups: readonly string[]): Association {
  const classes = encode(labels);
  const grouping = encode(groups);
  const tables = classes.names.map(() => new Map<number, number>());
  const classesOf = grouping.names.map(() => new Set<number>());
  classes.codes.forEach((code, row) => {
    const group = grouping.codes[row];
    tables[code].set(group, (tables[code].get(group) ?? 0) + 1);
    classesOf[group].add(code);
  });
  const classInOne = tables.every((table) => table.size === 1);
  const groupInOne = classesOf.every((held) => held.size === 1);
  return {
    relation: classInOne
      ? groupInOne
        ? "coincide"
        : "class in one group"
      : groupInOne
        ? "group in one class"
        : "crossed",
    cramersV: cramersV(classes.codes, grouping.codes),
    classes: tables.map((table, code) => ({
      name: classes.names[code],
      samples: [...table.values()].reduce((a, b) => a + b, 0),
      groups: [...table]
        .sort(([a, m], [b, n]) => n - m || a - b)
        .map(([group, samples]) => ({ name: grouping.names[group], samples })),
    })),
    groups: grouping,
  };
}

function encode(values: readonly string[]): Grouping {
  const names = [...new Set(values)].sort(byCodePoint);
  const codeOf = new Map(names.map((name, code) => [name, code]));
  return { names, codes: Int32Array.from(values, (value) => codeOf.get(value) as number) };
}
