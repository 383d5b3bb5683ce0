import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReportData, reportHtml } from "../../src/report/html.js";
import { comparisonWords, headline, pValue } from "../../src/report/words.js";
import { chromiumPath, noBrowser, withBrowser } from "./browser.js";
import { labels, models, ODD_LABELS, reportData } from "./made.js";

describe("words", () => {
  const five = {
    a: "resnet18",
    b: "efficientnet_b0",
    test: "wilcoxon",
    statistic: 0,
    p: 0.0625,
    pAttainable: 0.0625,
  };
  it("is undecided where the folds are too few, and says what p they could give at best", () => {
    const { verdict, sentences } = comparisonWords(five, models());
    expect(verdict).toBe("undecided");
    expect(sentences.join(" ")).toMatch(/p = 0\.0625; smallest p that these folds can give: 0\.0625\./);
    expect(sentences.join(" ")).toContain("no difference, however large, can get below 0.05");
  });
  it("is undecided where p is large although the folds suffice", () => {
    const { verdict, sentences } = comparisonWords({ ...five, p: 0.75, pAttainable: 2 ** -9 }, models());
    expect(verdict).toBe("undecided");
    expect(sentences.join(" ")).toContain("0.001953");
    expect(sentences.join(" ")).not.toContain("however large");
  });
  it("names the better net where p is small", () => {
    expect(comparisonWords({ ...five, p: 0.002, pAttainable: 2 ** -9 }, models(10)).verdict).toBe(
      "efficientnet_b0 is better",
    );
  });
  it("writes p with the digits that matter", () => {
    expect([0.0625, 0.754, 0.04341, 1].map(pValue)).toEqual([
      "p = 0.0625",
      "p = 0.754",
      "p = 0.0434",
      "p = 1",
    ]);
    expect(pValue(1e-5)).toBe("p < 0.001");
  });
  it("says where a score is no better than naming the largest class", () => {
    expect(headline(models(), [{ count: 9 }, { count: 1 }])).toContain("not clearly above 0.900");
    expect(headline(models(), [{ count: 1 }, { count: 1 }])).toContain("would reach 0.500");
    expect(headline([], [])).toBe("No net has been trained yet.");
  });
});

describe("reportHtml", () => {
  let data: ReportData;
  beforeAll(async () => {
    data = await reportData(60, labels(10, true));
  });

  it("holds hostile labels as text only, and asks for nothing outside", () => {
    const html = reportHtml({ ...data, name: "<img src=x>", figuresFolder: "figures" });
    const tags = [...html.matchAll(/<([a-z!/][^\s>]*)/gi)].map((m) => m[1].toLowerCase());
    for (const tag of ["script", "img", "iframe", "object"]) expect(tags).not.toContain(tag);
    const outside = [...html.matchAll(/(?:href|src)="([^"]*)"/g)]
      .map((m) => m[1])
      .filter((u) => !u.startsWith("data:"));
    for (const url of outside) expect(url).toMatch(/^(#\w+|(figures|benchmarking|metrics|oof)[^:]*)$/);
    expect(html).toContain("default-src &#39;none&#39;; img-src data:;");
    expect(html.replace(/xmlns="http:\/\/www\.w3\.org\/2000\/svg"/g, "")).not.toMatch(/https?:/);
  });

  it("does not link out of the run folder", () => {
    const files = [
      "../../etc/passwd",
      "/etc/passwd",
      "a/../../b",
      "javascript:alert(1)",
      "",
      "a//b",
      "\ud800",
    ];
    const html = reportHtml({ ...data, figures: [], files: files.map((path) => ({ path, what: "x" })) });
    const links = [...html.matchAll(/<td><a href="([^"]*)"/g)].map((m) => m[1]);
    expect(links).toEqual(["javascript%3Aalert(1)", "%EF%BF%BD"]);
  });

  it("has no id twice, and the same bytes for the same data", () => {
    const html = reportHtml(data);
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(reportHtml(data)).toBe(html);
  });

  it("warns of the published protocol's leak, and not elsewhere", () => {
    expect(reportHtml(data)).toContain("fitted on all samples");
    expect(reportHtml({ ...data, embeddingSawAllSamples: false })).not.toContain("fitted on all samples");
  });

  it("of a run that has only been preprocessed leaves out the rest", () => {
    const html = reportHtml({
      ...data,
      models: [],
      comparisons: [],
      figures: [],
      warnings: [],
      embeddingSawAllSamples: false,
    });
    expect(html).toContain("No net has been trained yet.");
    for (const id of ["know", "scores", "comparison", "saliency", "images"])
      expect(html).not.toContain(`id="${id}"`);
  });
});

describe.skipIf(chromiumPath === undefined)(
  `report.html in a browser${chromiumPath === undefined ? ` (${noBrowser})` : ""}`,
  () => {
    let dir = "";
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "cellhue-report-"));
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    /** Opens the report of n samples and hands the page over, with whatever the browser complained of. */
    async function open(
      n: number,
      classes: string[],
      use: (page: Page, complaints: string[], data: ReportData) => Promise<void>,
    ) {
      const data = await reportData(n, classes);
      const file = join(dir, `${classes.length}.html`);
      await writeFile(file, reportHtml(data));
      await withBrowser(async (context) => {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (m) => complaints.push(`console: ${m.text()}`));
        page.on("pageerror", (e) => complaints.push(`error: ${e.message}`));
        page.on("dialog", (d) => void complaints.push(`dialog: ${d.message()}`));
        page.on("requestfailed", (r) => complaints.push(`failed: ${r.url().slice(0, 80)}`));
        page.on("request", (r) => {
          if (!/^(file|data):/.test(r.url())) complaints.push(`asked for ${r.url()}`);
        });
        await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
        await use(page, complaints, data);
      });
    }

    it.each([
      ["4 classes", 169, labels(4)],
      ["10 hostile labels", 300, labels(10, true)],
      ["30 classes", 900, labels(30)],
      ["1 class, 1 sample", 1, labels(1)],
    ])("opens without a complaint, draws every figure, fits 400 and 1280 px: %s", async (_, n, classes) => {
      await open(n, classes, async (page, complaints, data) => {
        for (const width of [400, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          const overflow = await page.$eval("html", (html) => html.scrollWidth - html.clientWidth);
          expect(overflow).toBeLessThanOrEqual(0);
          const figures = await page.$$eval("figure svg", (nodes) =>
            nodes.map((svg) => svg.getBoundingClientRect()),
          );
          expect(figures).toHaveLength(data.figures.length);
          for (const f of figures) expect(Math.min(f.width, f.height)).toBeGreaterThan(50);
        }
        const images = await page.$$eval("image", (nodes) => nodes.length);
        expect(images).toBeGreaterThan(0);
        expect(complaints).toEqual([]);
      });
    });

    it.each([
      ["4 classes", 169, labels(4)],
      ["10 hostile labels", 300, labels(10, true)],
      ["30 classes", 900, labels(30)],
      ["41 classes", 300, labels(41)],
      ["1 class, 1 sample", 1, labels(1)],
    ])("has no figure with texts that overlap or leave it: %s", async (_, n, classes) => {
      await open(n, classes, async (page) => {
        const wrong = await page.$$eval("figure svg", (figures) => {
          const out: string[] = [];
          for (const svg of figures) {
            svg.style.minWidth = svg.getAttribute("width") ?? ""; // natural size: scale 1
            svg.style.maxWidth = "none";
            const frame = svg.getBoundingClientRect();
            const boxes = [...svg.querySelectorAll("text")].map((t) => {
              const { left, right, top, bottom } = t.getBoundingClientRect();
              // A line's box is higher than its letters.
              const [dx, dy] = [(right - left) * 0.02, (bottom - top) * 0.15];
              return {
                text: t.textContent,
                left: left + dx,
                right: right - dx,
                top: top + dy,
                bottom: bottom - dy,
              };
            });
            const name = svg.getAttribute("aria-label")?.slice(0, 40);
            boxes.forEach((a, i) => {
              if (
                a.left < frame.left ||
                a.right > frame.right ||
                a.top < frame.top ||
                a.bottom > frame.bottom
              )
                out.push(`${name}: "${a.text}" leaves the figure`);
              for (const b of boxes.slice(i + 1)) {
                if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
                  out.push(`${name}: "${a.text}" and "${b.text}" overlap`);
              }
            });
          }
          return out;
        });
        expect(wrong.slice(0, 10)).toEqual([]);
      });
    });

    it("shows labels as they are, as text", async () => {
      await open(300, labels(10, true), async (page) => {
        const cells = await page.$$eval("#input td", (nodes) => nodes.map((n) => n.textContent));
        for (const label of ODD_LABELS.filter((l) => !l.includes("bell"))) expect(cells).toContain(label);
        expect(await page.$$eval("script, img, svg script", (nodes) => nodes.length)).toBe(0);
        expect(await page.textContent("#comparison")).toMatch(/undecided.*0\.0625/s);
      });
    });
  },
);
