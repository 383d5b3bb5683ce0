/**
 * What is to be said of folds, in words: why they do not exist, and what a score from them would mean. The splitters
 * only throw RangeErrors; a run calls `checkCv`, `checkGroups` and `checkSplits` before it trains, in this order.
 */
import { CellhueError } from "../../errors.js";
import { visible } from "../../io/visible.js";
import { type Association, associate, type ClassInGroups } from "./association.js";
import { type Fold, take } from "./fold.js";
import type { Cv, Grouping, Split } from "./make-folds.js";
import { type InnerOptions, nestedFolds } from "./nested.js";

/** Cramér's V from which label and group are said to go together. */
const STRONG = 0.5;

const byWholeGroups = (cv: Cv) => cv !== "stratified" && cv !== "split";
const name = (text: string) => `'${visible(text, 60)}'`;
const some = <T>(items: readonly T[], say: (item: T) => string, most = 4): string =>
  items.slice(0, most).map(say).join(", ") + (items.length > most ? ` and ${items.length - most} more` : "");

/**
 * Do the options belong together?
 * @throws CellhueError group folds without a column of groups, a fixed split without its column, repeats of folds that
 *   can be made in one way only
 */
export function checkCv(options: {
  cv: Cv;
  repeats: number;
  group: string | null;
  split: string | null;
}): void {
  const { cv, repeats, group, split } = options;
  if (byWholeGroups(cv) && group === null)
    throw new CellhueError(`--cv ${cv} needs to know the groups`, {
      expected: "--group COLUMN, a column of obs that says which samples belong together, e.g. the patient",
    });
  if (cv === "split" && split === null)
    throw new CellhueError("--cv split needs to know the split", {
      expected: "--split COLUMN, a column of obs with train and test, or with names of folds",
    });
  if (repeats > 1 && (cv === "split" || cv === "leave-one-group-out"))
    throw new CellhueError(`--cv ${cv} cannot be repeated: it makes the same folds every time`, {
      found: `--repeats ${repeats}`,
      remedy: ["--repeats 1", `--cv ${cv === "split" ? "stratified" : "group"}, whose folds are drawn anew`],
    });
}

export interface GroupRequest {
  /** Class of each sample. */
  labels: readonly string[];
  /** Group of each sample (`columnAsLabels`), null where missing. */
  groups: readonly (string | null)[];
  /** The columns' names. */
  label: string;
  group: string;
  cv: Cv;
  folds: number;
  /** Row of the file of each sample, for the messages; 0, 1, … where it is not given. */
  rows?: Int32Array;
}

export interface GroupCheck {
  /** Names sorted by code point, and a code for each sample. */
  groups: Grouping;
  association: Association;
  /** Sentences without a full stop at their end. */
  warnings: string[];
}

/**
 * A column of groups as codes, once it is sure that the folds asked for exist.
 * @throws CellhueError a sample without a group; one group only; for group folds also: label and group coincide, a class
 *   lies in one group only, fewer groups than folds
 */
export function checkGroups(request: GroupRequest): GroupCheck {
  const { labels, label, group, cv, folds } = request;
  const where = `obs column ${name(group)}`;
  const groups = withoutMissing(request, where);
  const association = associate(labels, groups);
  const { names, codes } = association.groups;
  if (names.length < 2)
    throw new CellhueError(`${name(group)} is the same in all samples`, {
      where,
      found: names.length === 0 ? "no samples" : `${name(names[0])} in all ${groups.length} samples`,
      expected: "at least two groups",
      remedy: "another --group, or none with --cv stratified",
    });
  const warnings: string[] = [];
  if (byWholeGroups(cv)) {
    requireCrossing(request, association);
    if (cv !== "leave-one-group-out" && names.length < folds)
      throw new CellhueError(`${name(group)} has ${names.length} groups, fewer than the ${folds} folds`, {
        where,
        found: some(names, name),
        expected: `at least ${folds} groups, one for each fold`,
        remedy: [`--folds ${names.length}`, "--cv leave-one-group-out"],
      });
    if (names.length === codes.length)
      warnings.push(`${name(group)} is different in every sample, so folds by it hold single samples out`);
    const partly = association.relation === "crossed" && association.cramersV >= STRONG;
    if (partly) warnings.push(partlyTogether(association, label, group));
  } else if (cv === "stratified" && names.length < codes.length) {
    warnings.push(`${standing(association, label, group)}. ${meaningOfUngrouped(association, label, group)}`);
  }
  return { groups: association.groups, association, warnings };
}

/**
 * What an accuracy means where samples of one group are in training and test: for warnings, errors and the report.
 * @param label name of the column of classes, for the words
 * @param group name of the column of groups
 * @returns two sentences, without the last full stop
 */
export function meaningOfUngrouped({ classes }: Association, label: string, group: string): string {
  const [what, whose] = [name(label), name(group)];
  const bound = classes.filter((c) => c.groups.length === 1).length;
  const meaning =
    bound > 0
      ? `${bound === classes.length ? "As" : "Where"} a class has one ${whose} only, an accuracy from them says how well ` +
        `these very values of ${whose} are told apart, by biology or by batch: the net may recognise the ${whose}, ` +
        `not the ${what}, and nothing is known of a new ${whose}`
      : `An accuracy from them holds for new samples of these very values of ${whose}, and is likely too high for a ` +
        `new one: the net may recognise the ${whose}, and know the ${what} from that`;
  return `Folds that ignore ${whose} put samples of the same ${whose} into training and test. ${meaning}`;
}

function withoutMissing(request: GroupRequest, where: string): readonly string[] {
  const { groups, group, rows, labels } = request;
  if (groups.length !== labels.length)
    throw new RangeError(`checkGroups: ${labels.length} labels, ${groups.length} groups`);
  const missing = groups.filter((value) => value === null).length;
  if (missing === 0) return groups as readonly string[];
  const first = groups.indexOf(null);
  throw new CellhueError(`${missing} of ${groups.length} samples have no group`, {
    where,
    found: `first in row ${rows?.[first] ?? first}`,
    expected: "a group for every sample: one without could be in training and test at once",
    remedy: [`fill ${name(group)} in the file`, "leave these samples out of the file"],
  });
}

/** Every class must have samples in two groups, or it cannot be learnt while its group is held out. */
function requireCrossing({ label, group }: GroupRequest, association: Association): void {
  const { relation, classes } = association;
  const bound = classes.filter((c) => c.groups.length === 1);
  if (bound.length === 0) return;
  const [what, whose] = [name(label), name(group)];
  const [first] = bound;
  const all = bound.length === classes.length;
  const why =
    relation === "coincide"
      ? `${what} and ${whose} coincide: every class is one group, so there are no group folds`
      : all
        ? `every class of ${what} has one ${whose} only, so there are no group folds`
        : bound.length === 1
          ? `class ${name(first.name)} has one ${whose} only, and is gone from training when that is held out`
          : `${bound.length} of ${classes.length} classes have one ${whose} only, and are gone from training when that is held out`;
  throw new CellhueError(why, {
    where: `obs columns ${what} and ${whose}`,
    found: some(bound, (c) => `${name(c.name)} (${c.samples}) only in ${name(c.groups[0].name)}`),
    expected: "every class in two groups or more, so that one can be held out and another be learnt from",
    remedy: [
      `a --label whose classes have several values of ${whose} each, e.g. coarser ones`,
      ...(all ? [] : ["leave these classes out of the file"]),
      `--cv stratified, knowing what it measures. ${meaningOfUngrouped(association, label, group)}`,
    ],
  });
}

/** How label and group stand to each other, in a clause. */
function standing({ relation, classes, cramersV }: Association, label: string, group: string): string {
  const [what, whose] = [name(label), name(group)];
  if (relation === "coincide") return `${what} and ${whose} coincide: every class is one group`;
  if (relation === "class in one group") return `every class of ${what} has one ${whose} only`;
  const bound = classes.filter((c) => c.groups.length === 1);
  const strength = `${what} and ${whose} go together with Cramér's V = ${cramersV.toFixed(2)} (0: not at all, 1: wholly)`;
  return bound.length === 0
    ? `${strength}; --cv stratified-group holds whole groups out`
    : `${strength}, and ${some(bound, (c) => name(c.name))} ${bound.length === 1 ? "has" : "have"} one ${whose} only`;
}

function partlyTogether({ classes, cramersV }: Association, label: string, group: string): string {
  const share = ({ groups, samples }: ClassInGroups) => groups[0].samples / samples;
  const most = classes.reduce((a, b) => (share(b) > share(a) ? b : a));
  const [first] = most.groups;
  const left = most.samples - first.samples;
  return (
    `${name(label)} and ${name(group)} go together in part (Cramér's V = ${cramersV.toFixed(2)}): ` +
    `${name(most.name)} has ${first.samples} of its ${most.samples} samples in ${name(first.name)}, and ` +
    `${left} to learn from when that is held out; read the scores fold by fold`
  );
}

export interface SplitRequest {
  /** Class of each sample, into `classes`. */
  codes: Int32Array;
  classes: readonly string[];
  cv: Cv;
  /** The share that was asked for. */
  validation: number;
  groups?: Grouping;
}

/**
 * Can a net be trained and tested on each of the splits?
 * @returns warnings, without a full stop at their end
 * @throws CellhueError a class without a training sample in some split, a split without test samples, a validation part
 *   that was asked for and is empty
 */
export function checkSplits(splits: readonly Split[], request: SplitRequest): string[] {
  const { codes, classes, cv, validation, groups } = request;
  for (const split of splits) {
    const fold = foldName(split, cv);
    requireClasses(split, codes, classes, fold, remedies(cv));
    if (split.test.length === 0)
      throw new CellhueError(`${fold} has no test samples`, {
        found: `${splits.filter((s) => s.test.length > 0).length} of ${splits.length} folds with test samples`,
        remedy: [
          "fewer --folds",
          ...(cv === "stratified-group" ? ["--cv group, which fills every fold"] : []),
        ],
      });
    if (validation > 0 && split.validation.length === 0)
      throw new CellhueError(`no validation part can be set aside in ${fold}`, {
        found: `${split.train.length} training samples; --validation ${validation}`,
        expected:
          groups === undefined || cv === "stratified"
            ? "a class with two training samples or more"
            : "a group whose samples can be spared: every class must stay in training without it",
        remedy: "--validation 0",
      });
  }
  return [
    ...absentFromTest(splits, request),
    ...copies(splits),
    ...(cv === "split" && groups !== undefined ? shared(splits, groups) : []),
  ];
}

/**
 * Are there inner folds (`nestedFolds`) within each of the splits?
 * @throws CellhueError too few groups or samples in a training part, a class gone from the training part of an inner fold
 */
export function checkNested(splits: readonly Split[], request: SplitRequest & { inner: InnerOptions }): void {
  const { codes, classes, cv, inner } = request;
  for (const split of splits) {
    const fold = foldName(split, cv);
    const groups = inner.groups && byWholeGroups(inner.cv) ? take(inner.groups.codes, split.train) : null;
    const most = groups ? new Set(groups).size : largestClass(take(codes, split.train));
    const least = inner.cv === "leave-one-group-out" ? 2 : inner.folds;
    if (most < least)
      throw new CellhueError(
        `too few ${groups ? "groups" : "samples"} to choose settings by within ${fold}`,
        {
          found: groups ? `${most} groups to train on` : `${most} training samples in the largest class`,
          expected: `at least ${least}, one for each inner fold`,
          remedy: most < 2 ? undefined : `${most} inner folds`,
        },
      );
    nestedFolds(split, codes, inner).forEach((innerFold, i) => {
      requireClasses(innerFold, codes, classes, `inner fold ${i + 1} of ${fold}`, remedies(inner.cv));
    });
  }
}

function largestClass(codes: Int32Array): number {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

function foldName({ name: its }: Split, cv: Cv): string {
  if (cv === "leave-one-group-out") return `the fold that holds ${name(its)} out`;
  return cv === "split" ? `the fold ${name(its)} of the split` : its;
}

function remedies(cv: Cv): string[] {
  if (cv === "stratified") return ["leave the class out of the file, or merge it with another"];
  if (cv === "split") return ["change the column of the split", "leave the class out of the file"];
  const ways = ["leave the class out of the file"];
  if (cv !== "leave-one-group-out")
    ways.unshift("more --folds, so that fewer groups are held out at once", "--cv leave-one-group-out");
  return ways;
}

function requireClasses(
  { train, test }: Fold,
  codes: Int32Array,
  classes: readonly string[],
  fold: string,
  remedy: readonly string[],
): void {
  const trained = new Set(take(codes, train));
  const gone = classes.findIndex((_, code) => !trained.has(code));
  if (gone < 0) return;
  const tested = take(codes, test).filter((code) => code === gone).length;
  throw new CellhueError(`class ${name(classes[gone])} has no training sample in ${fold}`, {
    found: `${train.length} training samples, none of ${name(classes[gone])}; ${tested} of ${test.length} test samples are`,
    expected: "every class in every training part",
    remedy,
  });
}

/** Held-out groups need not have every class, so leave-one-group-out is not spoken of. */
function absentFromTest(splits: readonly Split[], { codes, classes, cv }: SplitRequest): string[] {
  if (cv === "leave-one-group-out") return [];
  const lacking = splits.flatMap((split) => {
    const tested = new Set(take(codes, split.test));
    const absent = classes.findIndex((_, code) => !tested.has(code));
    return absent < 0 ? [] : [{ split, absent: classes[absent] }];
  });
  if (lacking.length === 0) return [];
  const [{ split, absent }] = lacking;
  return [
    `${lacking.length} of ${splits.length} folds do not test every class (${name(absent)} is not in ${foldName(split, cv)}), ` +
      "so scores that need all classes, such as AUC, are missing there",
  ];
}

/** Where groups differ much in size, stratified group folds leave little to chance. */
function copies(splits: readonly Split[]): string[] {
  const rounds = new Map<number, string[]>();
  for (const { repeat, test } of splits)
    rounds.set(repeat, [...(rounds.get(repeat) ?? []), test.join()].sort());
  const different = new Set(Array.from(rounds.values(), (tests) => tests.join(";"))).size;
  if (different === rounds.size) return [];
  return [
    `the ${rounds.size} repeats hold ${different} different ${different === 1 ? "set" : "sets"} of folds only, as the ` +
      "groups leave little to chance; repeated scores are then copies, no evidence (--cv group draws groups freely)",
  ];
}

/** A fixed split may cut through groups; that is the user's to know. */
function shared(splits: readonly Split[], { names, codes }: Grouping): string[] {
  const both = new Set<number>();
  for (const { train, test } of splits) {
    const trained = new Set(take(codes, train));
    for (const row of test) if (trained.has(codes[row])) both.add(codes[row]);
  }
  if (both.size === 0) return [];
  const cut = [...both].sort((a, b) => a - b);
  return [
    `the split has ${both.size} of ${names.length} groups in training and test (${some(cut, (g) => name(names[g]))})`,
  ];
}
