/**
 * Whether a net was plainly trained for too short a time, from its loss curves and its accuracy. Two signs:
 *  - falling: over the last epochs the mean loss still fell by more than 5 % of log(classes) per epoch, log(classes)
 *    being the loss of a net that knows nothing, and more than 10 % of it is left;
 *  - chance: the mean accuracy is not more than 0.05 above the share of the largest class, which guessing gives.
 * A net at chance after many steps whose loss no longer falls is another matter: there may be nothing to learn.
 */
export interface TrainingOutcome {
  net: string;
  /** Per fold, the mean training loss of every epoch. */
  losses: readonly (readonly number[])[];
  /** Mean accuracy on the folds' test samples. */
  accuracy: number;
  /** Share of the largest class. */
  majority: number;
  classes: number;
  stepsPerEpoch: number;
}

export interface Undertrained {
  net: string;
  kind: "falling" | "chance" | "no-signal";
  /** A number of epochs to try; null where more would hardly help. */
  suggestedEpochs: number | null;
  message: string;
}

/** Share of log(classes) by which the loss of a net in steep descent falls per epoch. */
const steep = 0.05;
/** Share of log(classes) below which a loss has nothing much left to lose. */
const settled = 0.1;
/** What accuracy must have over the largest class's share. */
const margin = 0.05;
/** Fine-tuning at 1e-4 needs some hundreds of steps, however few of them make an epoch. */
const enoughSteps = 300;
/** Steps after which a net that still guesses will hardly learn. */
const manySteps = 1000;

/** @returns undefined where nothing is wrong */
export function undertrained(outcome: TrainingOutcome): Undertrained | undefined {
  const { net, losses, accuracy, majority, classes, stepsPerEpoch } = outcome;
  const epochs = Math.min(...losses.map((fold) => fold.length));
  if (!Number.isFinite(epochs) || epochs < 1) return undefined;
  const mean = (epoch: number) => losses.reduce((sum, fold) => sum + fold[epoch], 0) / losses.length;
  const clueless = Math.log(classes);
  // One epoch shows no slope; a loss still near that of guessing tells as much.
  const back = Math.min(2, epochs - 1);
  const slope = back > 0 ? (mean(epochs - 1 - back) - mean(epochs - 1)) / back : 0;
  const falling =
    back > 0 ? slope > steep * clueless && mean(epochs - 1) > settled * clueless : mean(0) > 0.5 * clueless;
  const chance = accuracy <= majority + margin;
  if (!falling && !chance) return undefined;

  const steps = epochs * stepsPerEpoch;
  const did = `${net} was trained for ${epochs} ${epochs === 1 ? "epoch" : "epochs"} of ${stepsPerEpoch} ${
    stepsPerEpoch === 1 ? "step" : "steps"
  }`;
  const scores = `accuracy ${accuracy.toFixed(2)}, the largest class alone gives ${majority.toFixed(2)}`;
  if (chance && !falling && steps >= manySteps) {
    return {
      net,
      kind: "no-signal",
      suggestedEpochs: null,
      message: `${did} and still guesses (${scores}), though its loss has settled: the images may hold no sign of these labels`,
    };
  }
  const suggestedEpochs = niceEpochs(Math.max(3 * epochs, enoughSteps / stepsPerEpoch));
  const why = falling
    ? "its loss was still falling steeply"
    : "it has hardly learnt more than the largest class";
  return {
    net,
    kind: chance ? "chance" : "falling",
    suggestedEpochs,
    message: `${did}, which is too few: ${why} (${scores}); try --epochs ${suggestedEpochs}`,
  };
}

/** Rounded up to 10, 20, 30, … then 100, 150, 200, … */
function niceEpochs(epochs: number): number {
  const unit = epochs <= 100 ? 10 : 50;
  return Math.min(10_000, Math.ceil(epochs / unit) * unit);
}
