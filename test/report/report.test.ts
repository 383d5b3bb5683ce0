import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReportData, reportHtml } from "../../src/report/html.js";
import { intervalCell, sharedNotes } from "../../src/report/intervals.js";
import { meanSd, range, score, signed, withRange } from "../../src/report/numbers.js";
import type { ModelScores, Results } from "../../src/report/scores.js";
import { comparisonWords, type Design, heldOutWords, sentence } from "../../src/report/words.js";
import { chromiumPath, noBrowser, withBrowser } from "./browser.js";
import { audit, DESIGN, labels, ODD_LABELS, reportData } from "./made.js";

const text = (html: string): string =>
  html
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replaceAll("\u00a0", " ")
    .replace(/\s+/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");
const section = (html: string, id: string): string =>
  new RegExp(`<section id="${id}">.*?</section>`, "s").exec(html)?.[0] ?? "";

describe("comparisonWords", () => {
  const models = [
    { net: "resnet18", mean: { accuracy: 0.7 } },
    { net: "efficientnet_b0", mean: { accuracy: 0.8 } },
  ] as unknown as ModelScores[];
  const five = {
    a: "resnet18",
    b: "efficientnet_b0",
    test: "wilcoxon",
    statistic: 0,
    p: 0.0625,
    pAttainable: 0.0625,
  };
  it("is undecided where the folds are too few, and says what p they could give at best", () => {
    const { verdict, sentences } = comparisonWords(five, models);
    expect(verdict).toBe("undecided");
    expect(sentences.join(" ")).toMatch(/p = 0\.0625; smallest p that these folds can give: 0\.0625\./);
    expect(sentences.join(" ")).toContain("no difference, however large, can get below 0.05");
  });
  it("is undecided where p is large although the folds suffice", () => {
    const { verdict, sentences } = comparisonWords({ ...five, p: 0.75, pAttainable: 2 ** -9 }, models);
    expect(verdict).toBe("undecided");
    expect(sentences.join(" ")).toContain("0.001953");
    expect(sentences.join(" ")).not.toContain("however large");
  });
  it("names the better net where p is small, but not on folds of several repeats", () => {
    const ten = { ...five, p: 0.002, pAttainable: 2 ** -9 };
    expect(comparisonWords(ten, models)).toMatchObject({
      verdict: "efficientnet_b0 is better",
      decided: true,
    });
    expect(comparisonWords(ten, models, 2)).toMatchObject({
      verdict: "undecided by this test",
      decided: false,
    });
  });
  it("does not call a tiny attainable p 0", () => {
    const many = { ...five, p: 0.5, pAttainable: 2 ** -24 };
    expect(comparisonWords(many, models).sentences.join(" ")).toContain("can give: below 0.000001.");
  });
});

describe("heldOutWords", () => {
  const said = (design: Partial<Design>): string =>
    heldOutWords({ ...DESIGN, ...design })
      .map(({ topic, text }) => `${topic}: ${text}`)
      .join("\n");
  it("says what was fitted on training samples alone, for the inductive protocol only", () => {
    expect(said({ protocol: "inductive" })).toMatch(
      /^Held out: In each fold, principal components, t-SNE, UMAP, nets and/,
    );
    expect(said({ protocol: "inductive", genes: "seurat", scale: true })).toContain(
      "choice of genes, scaling, principal",
    );
    expect(said({ protocol: "inductive", normalize: "log1p-scran" })).toContain(
      "each fold, size factors, pri",
    );
    expect(said({})).not.toContain("Held out");
  });
  it("says for which samples the accuracy holds", () => {
    expect(said({})).toContain("does not hold for a new patient");
    for (const cv of ["group", "stratified-group", "leave-one-group-out"] as const)
      expect(said({ cv, group: "donor" })).toContain("the accuracy is that for a new 'donor'");
    expect(said({ cv: "split", split: "part" })).toContain("the column 'part' names");
    expect(said({ group: "donor" })).toBe(""); // the folds have a note of it
  });
});

describe("sentence", () => {
  it("ends with one stop and keeps p with its value", () => {
    expect(sentence("no skill, p = 1")).toBe("no skill, p\u00a0=\u00a01.");
    expect(sentence("p < 0.001 after Holm.")).toBe("p\u00a0<\u00a00.001 after Holm.");
  });
});

describe("numbers", () => {
  it("have a minus sign, and no sign where they round to 0", () => {
    expect([0.5, -0.0204, -0.0001, null, Number.NaN].map(score)).toEqual([
      "0.500",
      "−0.020",
      "0.000",
      "–",
      "–",
    ]);
    expect([0.042, -0.02, 0.0001].map(signed)).toEqual(["+0.042", "−0.020", "0.000"]);
    expect(range(0.87, 0.95)).toBe("0.870–0.950");
    expect(range(-0.02, 0.08, signed)).toBe("−0.020 to +0.080");
    expect(withRange(0.9, null, 1)).toBe("0.900");
    expect(meanSd(0.8, null)).toBe("0.800");
  });
});

describe("intervals", () => {
  const few = "Drawn from 6 groups: an interval from so few is easily too narrow.";
  const exact = "All are right: the bound is the exact binomial one of 1.5.";
  const interval = (note?: string) => ({ estimate: 1, low: 0.8, high: 1, note });
  it("say once what all share, and mark what one has of its own", () => {
    const all = [interval(`${exact} ${few}`), interval(few)];
    const shared = sharedNotes(all);
    expect(shared).toEqual([few]);
    expect(intervalCell(all[0], shared).source).toContain(`title="${exact}"`);
    expect(intervalCell(all[0], shared).source).toContain("†");
    expect(intervalCell(all[1], shared).source).not.toMatch(/title|†/);
    expect(sharedNotes([interval(few), interval()])).toEqual([]);
    expect(sharedNotes([])).toEqual([]);
  });
  it("say where there is none", () => {
    expect(intervalCell({ estimate: 1, low: null, high: null }).source).toContain("no interval");
    expect(intervalCell({ estimate: null, low: null, high: null }).source).toBe("<td>–</td>");
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

  it("warns of the published protocol's leak, with what the audit has measured, and not elsewhere", () => {
    const know = text(section(reportHtml(data), "know"));
    expect(know).toContain("fitted on all samples");
    expect(know).toContain("Measured in the audit: efficientnet_b0 is rated higher by 0.04");
    expect(text(reportHtml({ ...data, audit: undefined }))).not.toContain("Measured in the audit");
    const inductive = reportHtml({ ...data, design: { ...DESIGN, protocol: "inductive" } });
    expect(text(section(inductive, "know"))).not.toContain("fitted on all samples");
    expect(text(section(inductive, "know"))).toContain("fitted on the training samples alone");
  });

  it("says the verdict first, sets the best net beside the best baseline, and hands the notes on", () => {
    const { results: scored } = data;
    if (scored === undefined) throw new Error("no results");
    const know = text(section(reportHtml(data), "know"));
    expect(know).toContain(`Know this first ${scored.verdict.summary}`);
    expect(know).toMatch(/best net efficientnet_b0 0\.\d{3}/);
    expect(know).toMatch(/best baseline logistic_l2 0\.\d{3}/);
    expect(know).toMatch(
      /Best net, best baseline: logistic_l2 \(0\.\d\d\) (and|is better than) efficientnet_b0/,
    );
    expect(know).toMatch(/Undecided: \d+ of the 28 pairs of models\./);
    expect(know).toContain(`Note: ${scored.notes[0]}.`);
  });

  it("has nets and baselines in the order of the verdict, the top ones named in words", () => {
    const scored = data.results as Results;
    const html = section(reportHtml(data), "scores");
    const [first] = [...html.matchAll(/<tbody>(.*?)<\/tbody>/gs)];
    const rows = [...first[1].matchAll(/<tr>(.*?)<\/tr>/gs)].map((m) => text(m[1]));
    expect(rows).toHaveLength(8);
    scored.verdict.models.forEach(({ name, top }, i) => {
      expect(rows[i].trim().split(" ")[0]).toBe(name);
      expect(rows[i]).toContain(i === 0 ? "the best" : top ? "undecided" : "worse");
    });
    expect(rows[7]).toMatch(/majority.*the guess/);
    expect(text(html)).toContain("Logistic regression (L1) on principal components");
  });

  it("shows no skill where there is none, in words and in the table", async () => {
    const skills = [0, 0, 0, 0, 0, 0, 0];
    const html = reportHtml(await reportData(60, labels(2), { skills, validation: false }));
    const know = text(section(html, "know"));
    expect(know).toContain("No model is shown to be better than always guessing the largest class");
    expect(know).toMatch(/No skill shown: .*resnet18 \(accuracy 0\.\d{3}, p = /);
    expect(know.match(/no skill shown/g)).toHaveLength(2); // of the best net and the best baseline
    expect(text(section(html, "scores")).match(/not shown/g)).toHaveLength(7);
    expect(text(section(html, "calibration"))).toContain("nothing is calibrated here");
    expect(text(section(html, "calibration"))).not.toContain("Label sets");
    expect(text(section(html, "scores"))).not.toMatch(/temperature|best epoch|validate/);
  });

  it("names folds by the group left out, and leaves out columns that no fold has", async () => {
    const names = Array.from({ length: 25 }, (_, i) => `MGH${i}`);
    const made = await reportData(100, labels(6), { folds: 25, names });
    const html = section(reportHtml(made), "scores");
    expect(html.match(/<bdi>MGH24<\/bdi>/g)).toHaveLength(3); // all models, and each net
    expect(html.match(/class="scroll tall"/g)).toHaveLength(3);
    const [head] = html.slice(html.indexOf("resnet18</bdi> by fold")).match(/<thead>.*?<\/thead>/s) ?? [""];
    expect(text(head)).toMatch(/train \/ validate \/ test.*best epoch temperature seconds/);
    expect(text(head)).not.toContain("AUC"); // a fold of four samples has not all classes
  });

  it("says where repeats make the pooled scores those of the first one", async () => {
    const html = reportHtml(await reportData(60, labels(3), { repeats: 2 }));
    expect(text(section(html, "know"))).toContain(
      "accuracy, mean over folds of the first repeat (95 % interval)",
    );
    expect(text(section(html, "scores"))).toContain("all held-out predictions of the first repeat together");
    expect(text(section(html, "comparison"))).toContain("the corrected resampled t test");
    expect(text(section(html, "comparison"))).toContain("undecided by this test");
    expect(text(section(html, "scores"))).toContain("repeat 2, fold 5");
  });

  it("has every pair with its p after Holm, and says what is undecided", () => {
    const { verdict } = data.results as Results;
    const html = section(reportHtml(data), "comparison");
    const rows = [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].slice(1).map((m) => text(m[1]));
    expect(rows).toHaveLength(28);
    verdict.pairs.forEach(({ better, worse, decided, difference }, i) => {
      expect(rows[i]).toContain(`${better} against ${worse} ${signed(difference)}`);
      expect(rows[i]).toContain(decided ? `decided: ${better} is better` : "undecided");
    });
  });

  it("shows the best net and the best baseline by class, with intervals", () => {
    const { models } = data.results as Results;
    const html = text(section(reportHtml(data), "classes"));
    expect(html).toContain("best net: efficientnet_b0 best baseline: logistic_l2");
    const { precision, support } = models[1].pooled.perClass[9];
    const ends = range(precision.low ?? 0, precision.high ?? 0);
    expect(html).toContain(`__proto__ ${support.estimate} ${score(precision.estimate)} ${ends}`);
  });

  it("shows calibration before and after, label sets, and the limits of both", () => {
    const [net] = (data.results as Results).models;
    const html = text(section(reportHtml(data), "calibration"));
    const { before, after } = net.calibration;
    for (const measure of ["nll", "brier", "ece"] as const)
      expect(html).toContain(`${score(before[measure])} → ${score(after?.[measure])}`);
    expect(html).toMatch(/resnet18 90 % 92\.0 % 86\.0 %–96\.0 % yes 1\.40 of 10/);
    expect(html).toContain("several nets, one a fold");
    expect(html).toContain("Several cells of one patient are not");
  });

  it("tells the protocol, and what was fitted on which samples", () => {
    const rows = (design: Partial<Design>): string =>
      text(section(reportHtml({ ...data, figures: [], design: { ...DESIGN, ...design } }), "protocol"));
    expect(rows({})).toContain(
      "principal components, t-SNE, UMAP, ranges of the image all samples, those of the test folds included",
    );
    const design = {
      protocol: "inductive",
      cv: "stratified-group",
      group: "donor",
      genes: "variance",
      topGenes: 500,
    } as const;
    const told = rows({ ...design, patience: 3, tune: { lr: [0.1, 0.2] } });
    for (const part of [
      "by whole groups of 'donor', stratified by class, 5 folds",
      "the 500 most variable ones of training (variance)",
      "ranges of the image training samples of the fold",
      "15 % of the training samples; training stops after 3 epochs",
      "lr out of 0.1, 0.2",
      "baselines training and validation samples of the fold",
    ])
      expect(told).toContain(part);
    expect(rows({ validation: 0 })).toContain("none: nothing is stopped early or calibrated");
    const normalised = (normalize: Design["normalize"]) => rows({ ...design, normalize });
    expect(normalised("none")).toContain("normalisation not done");
    expect(normalised("log1p-cpm")).toContain("normalisation nothing: each sample by itself");
    expect(normalised("log1p-scran")).toContain("size factors: training samples of the fold");
  });

  it("has the audit where there was one", () => {
    const html = section(reportHtml(data), "audit");
    const told = text(html);
    for (const part of [
      "efficientnet_b0 0.890 0.860 +0.030 −0.005 to +0.080",
      "patient categories 0.970 0.940–0.990 0.330 patient alone gives the label away.",
      "plate 0.500 0.420–0.580 0.250",
      "2 pairs of samples are the same or nearly so, 1 of them in different folds",
      "sample_1 <script>alert(1)</script> identical in training and test",
      "resnet18 0.300 0.240–0.370",
      "one column was left out",
    ])
      expect(told).toContain(part);
    expect(html).toContain("audit_inflation.svg");
    expect(reportHtml({ ...data, audit: undefined })).not.toContain('id="audit"');
    const nothing = {
      ...audit(),
      inflation: [],
      label: [],
      image: [],
      duplicates: [],
      shuffled: [],
      notes: [],
    };
    expect(text(section(reportHtml({ ...data, audit: nothing, figures: [] }), "audit"))).toBe(
      " Audit Copies among the samples No two samples are the same or nearly so. ",
    );
  });

  it("of a run that has only been preprocessed leaves out the rest", () => {
    const html = reportHtml({ ...data, results: undefined, audit: undefined, figures: [], warnings: [] });
    expect(html).toContain("No net has been trained yet.");
    for (const id of [
      "know",
      "scores",
      "comparison",
      "classes",
      "calibration",
      "audit",
      "saliency",
      "images",
    ])
      expect(html).not.toContain(`id="${id}"`);
    expect(html).toContain('id="protocol"');
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
        const rows = await page.$$eval("#classes tbody th", (nodes) => nodes.map((n) => n.textContent));
        for (const label of ODD_LABELS.filter((l) => !l.includes("bell"))) expect(rows).toContain(label);
        expect(await page.textContent("#comparison")).toMatch(/undecided/);
      });
    });
  },
);
