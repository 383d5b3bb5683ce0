import { Resvg } from "@resvg/resvg-js";
import { describe, expect, it } from "vitest";
import { shorten, text, textWidth } from "../../src/report/text.js";

describe("textWidth", () => {
  // The renderer's own measure: ink, so the sides of the outer letters are missing.
  const ink = (s: string, size: number): number => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="90"><text x="9" y="50" font-size="${size}" font-family="DejaVu Sans">${s}</text></svg>`;
    const fontFiles = ["assets/fonts/DejaVuSans.ttf"];
    return new Resvg(svg, { font: { fontFiles, loadSystemFonts: false } }).getBBox()?.width ?? 0;
  };
  it.each([
    "Oligodendrocytes (non-malignant)",
    "CD4+/CD25 T Reg",
    "0.812 ± 0.031",
    "mmmmWWWW@@@",
    "iiiillll....",
    "éàüñç",
    "Ωμέγα",
    "Опухоль",
  ])("is the renderer's width or a little more: %s", (s) => {
    for (const size of [11, 20]) {
      expect(textWidth(s, size)).toBeGreaterThan(ink(s, size) * 0.98);
      expect(textWidth(s, size)).toBeLessThan(ink(s, size) * 1.25 + 0.35 * size);
    }
  });
  it("is 0 without text", () => expect(textWidth("")).toBe(0));
});

describe("shorten", () => {
  it("leaves alone what fits", () => expect(shorten("WNT", 100)).toBe("WNT"));
  it("keeps beginning and end, and fits", () => {
    const out = shorten(`Group ${"long-".repeat(60)}end`, 120);
    expect(out).toMatch(/^Group .*….*end$/);
    expect(textWidth(out)).toBeLessThanOrEqual(120);
  });
  it("never cuts a letter from its marks or an emoji in two", () => {
    const family = "👩‍👩‍👧";
    const out = shorten(family.repeat(40), 120);
    expect(out.replaceAll(family, "")).toBe("…");
  });
  it("ends on a text of a million signs soon", () => {
    const start = performance.now();
    expect(shorten("x".repeat(1e6), 100).length).toBeLessThan(30);
    expect(performance.now() - start).toBeLessThan(1000);
  });
  it("leaves the ellipsis where nothing fits", () => expect(shorten("abc", 0)).toBe("…"));
});

describe("text", () => {
  it("carries the whole name in a title where it is shortened, and only there", () => {
    const long = "x".repeat(300);
    expect(text(0, 0, long, { width: 100 }).source).toContain(`<title>${long}</title>`);
    expect(text(0, 0, "SHH", { width: 100 }).source).not.toContain("<title>");
  });
  it("keeps the suffix whole", () => {
    expect(text(0, 0, "y".repeat(300), { width: 100, suffix: " (n=144)" }).source).toContain(
      "y (n=144)</text>",
    );
  });
  it("defuses signs that turn the order of the text beside", () => {
    expect(text(0, 0, "\u202eevil\u2066", {}).source).not.toMatch(/<text[^>]*>[^<]*[\u202e\u2066]/);
  });
});
