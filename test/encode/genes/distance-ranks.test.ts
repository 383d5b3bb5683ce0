import { describe, expect, it } from "vitest";
import { distanceAtRank, pixelRanks, rankAmong } from "../../../src/encode/genes/distance-ranks.js";
import fixture from "../../fixtures/igtd.json" with { type: "json" };

describe("pixelRanks: scipy's rankdata of all pairs of pixels", () => {
  it.each(fixture.grids)("$height × $width", ({ height, width, ranks }) => {
    const found = pixelRanks({ height, width });
    expect([...found.byOffset]).toEqual(ranks);
    const area = height * width;
    expect(found.pairs).toBe((area * (area - 1)) / 2);
  });

  it("no pixels", () => {
    expect(pixelRanks({ height: 0, width: 3 }).pairs).toBe(0);
  });

  it("distances and their ranks, and distances between them", () => {
    const grid = pixelRanks({ height: 3, width: 3 });
    // 12 pairs side by side, 8 across a corner, then 6, 8 and 2 further apart.
    expect([...grid.distances]).toEqual([1, Math.SQRT2, 2, Math.sqrt(5), Math.sqrt(8)]);
    expect([...grid.ranks]).toEqual([6.5, 16.5, 23.5, 30.5, 35.5]);
    expect(distanceAtRank(grid, 6.5)).toBe(1);
    expect(distanceAtRank(grid, 20)).toBe((Math.SQRT2 + 2) / 2);
    expect(distanceAtRank(grid, 1)).toBe(1);
    expect(distanceAtRank(grid, 36)).toBe(Math.sqrt(8));
  });
});

describe("rankAmong", () => {
  it("scipy's rankdata, with ties", () => {
    const { values, ranks } = fixture.ranked;
    expect(values.map(rankAmong(Float64Array.from(values)))).toEqual(ranks);
  });
  it("all alike, one alone, and values that are not among them", () => {
    for (const n of [1, 2, 3, 4, 7, 8, 9]) expect(rankAmong(new Float64Array(n).fill(3))(3)).toBe((n + 1) / 2);
    const rank = rankAmong(Float64Array.of(4, 2, 2));
    expect([1, 2, 3, 4, 5].map(rank)).toEqual([0.5, 1.5, 2.5, 3, 3.5]);
  });
});
