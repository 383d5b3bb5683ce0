import { describe, expect, it } from "vitest";
import { type TrainingOutcome, undertrained } from "../../src/evaluate/undertrained.js";

const outcome = (more: Partial<TrainingOutcome>): TrainingOutcome => ({
  net: "resnet18",
  losses: [[1.4, 0.6, 0.2, 0.1, 0.09]],
  accuracy: 0.9,
  majority: 0.33,
  classes: 4,
  stepsPerEpoch: 30,
  ...more,
});

describe("undertrained", () => {
  it("is silent where the loss has settled and the net knows more than the largest class", () => {
    expect(undertrained(outcome({}))).toBeUndefined();
    // a small loss that still halves is no steep descent
    expect(undertrained(outcome({ losses: [[0.2, 0.1, 0.05]] }))).toBeUndefined();
  });

  it("sees a loss that falls steeply, as five epochs of five steps leave it", () => {
    const found = undertrained(
      outcome({ losses: [[1.4, 1.3, 1.2, 1.05, 0.9]], accuracy: 0.5, stepsPerEpoch: 5 }),
    );
    expect(found).toMatchObject({ kind: "falling", suggestedEpochs: 60 });
    expect(found?.message).toMatch(/5 epochs of 5 steps.*--epochs 60/);
  });

  it("judges the mean over the folds, not one of them", () => {
    const flat = [0.3, 0.3, 0.3];
    const steep = [1.2, 0.7, 0.2];
    expect(
      undertrained(outcome({ losses: [flat, flat, flat, flat, flat, flat, flat, steep] })),
    ).toBeUndefined();
    expect(undertrained(outcome({ losses: [steep, steep, flat] }))?.kind).toBe("falling");
  });

  it("sees a net that guesses, up to 0.05 above the largest class", () => {
    const losses = [[1.39, 1.38, 1.37, 1.36, 1.36]];
    expect(undertrained(outcome({ losses, accuracy: 0.31, stepsPerEpoch: 5 }))).toMatchObject({
      kind: "chance",
    });
    expect(undertrained(outcome({ losses, accuracy: 0.38, stepsPerEpoch: 5 }))).toMatchObject({
      kind: "chance",
    });
    expect(undertrained(outcome({ losses, accuracy: 0.39, stepsPerEpoch: 5 }))).toBeUndefined();
  });

  it("promises nothing where a long training has settled at chance", () => {
    const losses = [Array.from({ length: 100 }, () => 0.65)];
    const found = undertrained(
      outcome({ losses, accuracy: 0.63, majority: 0.65, classes: 2, stepsPerEpoch: 10 }),
    );
    expect(found).toMatchObject({ kind: "no-signal", suggestedEpochs: null });
    expect(found?.message).not.toMatch(/--epochs/);
  });

  it("judges a single epoch by its loss", () => {
    expect(undertrained(outcome({ losses: [[1.2]], accuracy: 0.6 }))?.suggestedEpochs).toBe(10);
    expect(undertrained(outcome({ losses: [[0.3]] }))).toBeUndefined();
  });

  it("has nothing to say without folds or epochs", () => {
    expect(undertrained(outcome({ losses: [] }))).toBeUndefined();
    expect(undertrained(outcome({ losses: [[]] }))).toBeUndefined();
  });
});
