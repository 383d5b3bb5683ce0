import { describe, expect, it } from "vitest";
import { minimise, type Objective } from "../../../src/evaluate/baselines/lbfgs.js";
import { RandomState } from "../../../src/random.js";
import { largestDifference } from "./oracle.js";

/** ½ Σ cᵢ (xᵢ − mᵢ)² */
const parabola =
  (centre: readonly number[], curvature: readonly number[]): Objective =>
  (at, gradient) => {
    let value = 0;
    for (let i = 0; i < at.length; i++) {
      gradient[i] = curvature[i] * (at[i] - centre[i]);
      value += 0.5 * gradient[i] * (at[i] - centre[i]);
    }
    return value;
  };
const goal = { tolerance: 1e-9, maxIterations: 500 };

describe("minimise", () => {
  it("finds the bottom of a parabola, narrow as it may be, and leaves the start as it is", () => {
    const centre = [3, -2, 0.5, 0, 7];
    const start = new Float64Array(5);
    const found = minimise(parabola(centre, [1, 1e-3, 1e4, 1, 30]), start, goal);
    expect(found.converged).toBe(true);
    expect(largestDifference(found.at, centre)).toBeLessThan(1e-5);
    expect([...start]).toEqual([0, 0, 0, 0, 0]);
  });

  it("with an L1 norm: soft thresholding, zeros exact, a weight of 0 thresholds nothing", () => {
    const centre = [3, -2, 0.5, -0.2, 7, 0.1];
    const curvature = [1, 2, 1, 1, 100, 1];
    const l1 = Float64Array.of(1, 3, 1, 1, 5, 0);
    const { at, value, converged } = minimise(parabola(centre, curvature), new Float64Array(6), {
      ...goal,
      l1,
    });
    expect(converged).toBe(true);
    const expected = centre.map((m, i) => Math.sign(m) * Math.max(0, Math.abs(m) - l1[i] / curvature[i]));
    expect(largestDifference(at, expected)).toBeLessThan(1e-8);
    expect([at[2], at[3]]).toEqual([0, 0]);
    let least = 0;
    expected.forEach((x, i) => {
      least += 0.5 * curvature[i] * (x - centre[i]) ** 2 + l1[i] * Math.abs(x);
    });
    expect(value).toBeCloseTo(least, 12);
  });

  it("with an L1 norm on mixed variables: no subgradient is off", () => {
    // least squares with more variables than equations
    const random = new RandomState(4);
    const [rows, n] = [20, 35];
    const a = Float64Array.from({ length: rows * n }, () => random.standardNormal());
    const b = Float64Array.from({ length: rows }, () => random.standardNormal());
    const squares: Objective = (at, gradient) => {
      gradient.fill(0);
      let value = 0;
      for (let i = 0; i < rows; i++) {
        let r = -b[i];
        for (let j = 0; j < n; j++) r += a[i * n + j] * at[j];
        for (let j = 0; j < n; j++) gradient[j] += r * a[i * n + j];
        value += 0.5 * r * r;
      }
      return value;
    };
    const { at, converged } = minimise(squares, new Float64Array(n), {
      ...goal,
      l1: new Float64Array(n).fill(0.7),
    });
    expect(converged).toBe(true);
    const gradient = new Float64Array(n);
    squares(at, gradient);
    const zeros = at.filter((v) => v === 0).length;
    expect(zeros).toBeGreaterThan(n - rows - 1);
    at.forEach((v, j) => {
      if (v === 0) expect(Math.abs(gradient[j])).toBeLessThan(0.7 + 1e-9);
      else expect(gradient[j]).toBeCloseTo(-0.7 * Math.sign(v), 8);
    });
  });

  it("stops at the start where that is the minimum, and at the last iteration where it must", () => {
    const round = parabola([0, 0], [1, 1]);
    expect(minimise(round, new Float64Array(2), goal)).toMatchObject({ iterations: 0, converged: true });
    const cut = minimise(parabola([5, 5], [1, 50]), new Float64Array(2), {
      tolerance: 1e-12,
      maxIterations: 1,
    });
    expect(cut).toMatchObject({ iterations: 1, converged: false });
    expect(cut.value).toBeLessThan(0.5 * 25 + 0.5 * 50 * 25);
  });

  it("has nothing to do without variables", () => {
    expect(minimise(() => 3, new Float64Array(0), goal)).toMatchObject({ value: 3, converged: true });
  });

  it("gives up, and says so, where the gradient lies", () => {
    const lie: Objective = (at, gradient) => {
      gradient[0] = -2 * at[0] - 1;
      return at[0] ** 2 + at[0];
    };
    expect(minimise(lie, new Float64Array(1), goal)).toMatchObject({ converged: false });
  });
});
