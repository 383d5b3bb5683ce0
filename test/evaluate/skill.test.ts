import { describe, expect, it } from "vitest";
import { skill } from "../../src/evaluate/skill.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

/** So many samples of class 0 (the largest) and of class 1, the first ones of each predicted as the other. */
function predictions(largest: number, other: number, missed: number, gained: number) {
  const actual = Int32Array.from({ length: largest + other }, (_, i) => Number(i >= largest));
  const predicted = actual.map((code, i) => (code === 0 ? Number(i < missed) : Number(i - largest < gained)));
  return { actual, predicted };
}

describe("skill", () => {
  it.each(fixture.skill)("equals scipy's one-sided binomtest: $gained gained, $missed missed", (expected) => {
    const { missed, gained, p } = expected;
    const { actual, predicted } = predictions(400, 350, missed, gained);
    const result = skill(actual, [predicted]);
    expect(Math.abs(result.p - p)).toBeLessThanOrEqual(1e-12 * p);
    expect(result.accuracy).toBeCloseTo((400 - missed + gained) / 750, 14);
    expect(result.majority).toBe(400 / 750);
    expect(result.shown).toBe(p < 0.05);
  });

  it("shows none where the accuracy is the share of the largest class", () => {
    // the outcome set of the data README: 39 and 21 samples, accuracy 0.65
    const { actual, predicted } = predictions(39, 21, 7, 7);
    const result = skill(actual, [predicted]);
    expect(result).toMatchObject({ accuracy: 0.65, majority: 0.65, shown: false });
    expect(result.sentence).toBe(
      "no skill shown: accuracy 0.65, always guessing the largest class 0.65, p = 0.6",
    );
    const guess = skill(actual, [new Int32Array(60)]);
    expect(guess).toMatchObject({ accuracy: 0.65, p: 1, shown: false });
  });

  it("shows it where there is some", () => {
    const { actual, predicted } = predictions(39, 21, 2, 15);
    expect(skill(actual, [predicted]).sentence).toBe(
      "better than guessing: accuracy 0.87, always guessing the largest class 0.65, p = 0.0012",
    );
  });

  it("takes groups for one observation each", () => {
    const { actual, predicted } = predictions(30, 20, 0, 20);
    expect(skill(actual, [predicted]).p).toBe(2 ** -20);
    const groups = actual.map((_, i) => i % 4);
    expect(skill(actual, [predicted], groups)).toMatchObject({ p: 2 ** -4, shown: false });
  });

  it("does not take repeats for more samples", () => {
    const { actual, predicted } = predictions(39, 21, 6, 10);
    const once = skill(actual, [predicted]);
    expect(skill(actual, [predicted, predicted, predicted, predicted])).toEqual(once);
  });

  it("finds skill in less than 5 of 100 models that have none", () => {
    const random = new RandomState(31);
    const actual = Int32Array.from({ length: 60 }, (_, i) => Number(i >= 33));
    const groups = actual.map((_, i) => i % 15);
    for (const [by, repeats] of [
      [undefined, 1],
      [undefined, 5],
      [groups, 1],
    ] as const) {
      let shown = 0;
      for (let simulation = 0; simulation < 400; simulation++) {
        random.shuffle(actual);
        const rate = random.random();
        const guesses = Array.from({ length: repeats }, () =>
          actual.map(() => Number(random.random() < rate)),
        );
        shown += Number(skill(actual, guesses, by).shown);
      }
      expect(shown).toBeLessThanOrEqual(20);
    }
  });

  it("refuses no samples, no predictions and lengths that differ", () => {
    const two = Int32Array.of(0, 1);
    expect(() => skill(new Int32Array(0), [new Int32Array(0)])).toThrow(RangeError);
    expect(() => skill(two, [])).toThrow(RangeError);
    expect(() => skill(two, [two, Int32Array.of(1)])).toThrow(RangeError);
    expect(() => skill(two, [two], Int32Array.of(1))).toThrow(RangeError);
  });
});
