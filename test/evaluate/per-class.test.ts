import { describe, expect, it } from "vitest";
import { perClass } from "../../src/evaluate/per-class.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };
import { metricCases } from "./oracle.js";

describe("perClass", () => {
  it.each(metricCases.map((metricCase, i) => ({ ...metricCase, rows: fixture.perClass[i] })))(
    "equals scikit-learn: $name",
    ({ actual, probabilities, classes, rows }) => {
      const result = perClass(actual, probabilities, classes);
      expect(result).toHaveLength(classes);
      result.forEach(({ support, precision, recall, f1, auc }, c) => {
        expect(support).toBe(rows[c][0]);
        [precision, recall, f1, auc].forEach((value, j) => {
          const expected = rows[c][j + 1];
          if (expected === null) expect(value, `class ${c}`).toBeNull();
          else expect(value, `class ${c}`).toBeCloseTo(expected, 13);
        });
      });
    },
  );

  it("tells not defined from 0", () => {
    // class 0 is missed, class 1 is predicted for all, class 2 neither occurs nor is predicted
    const result = perClass(Int32Array.of(0, 1), Float64Array.of(0.3, 0.7, 0, 0.4, 0.6, 0), 3);
    expect(result).toEqual([
      { support: 1, precision: null, recall: 0, f1: 0, auc: 0 },
      { support: 1, precision: 0.5, recall: 1, f1: 2 / 3, auc: 0 },
      { support: 0, precision: null, recall: null, f1: null, auc: null },
    ]);
  });

  it("refuses NaN and shapes that do not fit", () => {
    expect(() => perClass(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(RangeError);
    expect(() => perClass(Int32Array.of(0, 1), new Float64Array(3), 2)).toThrow(RangeError);
    expect(() => perClass(new Int32Array(0), new Float64Array(0), 2)).toThrow(RangeError);
  });
});
