import { describe, expect, it } from "vitest";
import { el, escapeText, Markup, number } from "../../src/report/markup.js";

describe("escapeText", () => {
  it("leaves no sign that ends a text or an attribute", () => {
    expect(escapeText(`<a href="x" title='y'>&amp;</a>`)).toBe(
      "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;",
    );
  });
  it("replaces what XML cannot hold: controls, half surrogates, non-characters", () => {
    expect(escapeText("a\u0000b\u001bc\u0085d\ud800e\udc00f\uffff")).toBe("a�b�c�d�e�f�");
  });
  it("keeps whole surrogate pairs, tabs and line ends", () => {
    expect(escapeText("𝒳\t日\n")).toBe("𝒳\t日\n");
  });
});

describe("el", () => {
  it("escapes every string, in attributes and content, but not Markup", () => {
    const node = el(
      "text",
      { x: 1.234567, title: `"<&>"`, y: undefined },
      "<b>",
      [el("tspan"), 5],
      new Markup("<!-- ours -->"),
    );
    expect(node.source).toBe(
      '<text x="1.23" title="&quot;&lt;&amp;&gt;&quot;">&lt;b&gt;<tspan></tspan>5<!-- ours --></text>',
    );
  });
  it("closes empty elements itself", () => {
    expect(el("rect", { width: 3 }).source).toBe('<rect width="3"/>');
  });
  it("refuses numbers that draw nothing", () => {
    expect(() => el("rect", { x: Number.NaN })).toThrow(RangeError);
    expect(number(-0.001)).toBe("0");
  });
});
