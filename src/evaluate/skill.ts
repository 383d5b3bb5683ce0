/**
 * Has a model any skill: is it decidedly better than always guessing the largest class? McNemar's exact test against
 * that guess, one-sided: of the samples that only one of the two gets right, the model must have more than chance gives.
 * It is the exact binomial test on those samples. Taking pairs needs no majority share to be known beforehand and lets
 * groups count as one observation each (`mcnemar`); over repeats a sample counts with its mean.
 */
import { unitsOf } from "./bootstrap.js";
import { signFlipTail } from "./sign-flips.js";
import { pText, shareText } from "./verdict-words.js";

export interface Skill {
  /** Of all predictions, over all repeats. */
  accuracy: number;
  /** Share of the largest class. */
  majority: number;
  /** One-sided p value: of so many more right predictions than the guess has, if there is no skill. */
  p: number;
  /** p < 0.05. */
  shown: boolean;
  /** "no skill shown: accuracy 0.65, always guessing the largest class 0.65, p = 0.58". */
  sentence: string;
}

/**
 * @param actual codes of the true classes
 * @param predicted out-of-fold predictions, one vector for each repeat of the cross-validation
 * @param groups a code for each sample; samples of one code are taken as one observation
 * @throws RangeError where there are no samples, no predictions, or the lengths differ
 */
export function skill(actual: Int32Array, predicted: readonly Int32Array[], groups?: Int32Array): Skill {
  if (actual.length === 0) throw new RangeError("skill: no samples");
  if (predicted.length === 0) throw new RangeError("skill: no predictions");
  const other = predicted.find((codes) => codes.length !== actual.length);
  if (other) throw new RangeError(`skill: ${actual.length} true classes, but ${other.length} predicted ones`);

  const sizes = new Map<number, number>();
  for (const code of actual) sizes.set(code, (sizes.get(code) ?? 0) + 1);
  const [largest, size] = [...sizes].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
  const { unitOf, units } = unitsOf(actual.length, groups);
  const differences = new Int32Array(units); // right predictions of the model less those of the guess
  let right = 0;
  for (const codes of predicted) {
    for (let i = 0; i < actual.length; i++) {
      const hit = Number(codes[i] === actual[i]);
      right += hit;
      differences[unitOf[i]] += hit - Number(actual[i] === largest);
    }
  }
  const behind = differences.reduce((sum, d) => sum + Math.max(0, -d), 0);
  const p = signFlipTail(differences.map(Math.abs), behind);
  const accuracy = right / (actual.length * predicted.length);
  const majority = size / actual.length;
  return { accuracy, majority, p, ...skillVerdict(accuracy, majority, p, actual.length) };
}

/** The verdict on a p value, which may have been adjusted for several models. */
export function skillVerdict(
  accuracy: number,
  majority: number,
  p: number,
  samples: number,
): Pick<Skill, "shown" | "sentence"> {
  const shown = p < 0.05;
  const numbers = `accuracy ${shareText(accuracy, samples)}, always guessing the largest class ${shareText(majority, samples)}, ${pText(p)}`;
  return { shown, sentence: `${shown ? "better than guessing" : "no skill shown"}: ${numbers}` };
}
