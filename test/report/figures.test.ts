import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Resvg } from "@resvg/resvg-js";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { calibration } from "../../src/evaluate/calibration.js";
import { riskCoverage } from "../../src/evaluate/risk-coverage.js";
import { square } from "../../src/image-size.js";
import { figurePng, writeFigure } from "../../src/report/figure.js";
import { coverage } from "../../src/report/figures/density.js";
import * as draw from "../../src/report/figures.js";
import { categoryColour } from "../../src/report/palette.js";
import { allFigures, audit, blob, cloud, glow, labels, losses, ODD_LABELS, predictions } from "./made.js";

/** Strict: resvg's XML parser takes no malformed file. Nothing in it may clash with other figures of a page or run. */
function check(svg: string): void {
  new Resvg(svg, { font: { loadSystemFonts: false } });
  // Matches, not the SVG itself, so that a failure prints a line and not a picture.
  const strange = svg.match(/<(?!\/?(svg|g|title|text|rect|line|path|circle|image)[\s>/])[^>]*/g);
  const clashing = svg.match(/<[^>]*\s(id|class|style|on\w+)=[^>]*/g);
  const numberless = svg.replace(/base64,[^"]*/g, "").match(/.{0,30}(NaN|undefined|Infinity).{0,30}/g);
  expect({ strange, clashing, numberless }).toEqual({ strange: null, clashing: null, numberless: null });
}

describe("all figures", () => {
  it.each([
    ["1 class, 1 sample", 1, labels(1)],
    ["2 classes, 2 samples", 2, labels(2)],
    ["4 classes", 169, labels(4)],
    ["10 hostile labels", 300, labels(10, true)],
    ["30 classes", 900, labels(30)],
    ["41 classes", 300, labels(41)],
  ])("are well-formed and inert: %s", async (_, n, classes) => {
    const figures = await allFigures(n, classes);
    const names = figures.map((f) => f.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { svg } of figures) check(svg);
  });

  it("hold hostile labels as text", async () => {
    const figures = await allFigures(300, labels(10, true));
    const scatter = figures.find((f) => f.name === "embedding_umap")?.svg ?? "";
    expect(scatter).toContain("&lt;script&gt;alert(1)");
    expect(scatter).toContain("&quot;quoted&quot; &amp; &#39;single&#39;");
    expect(scatter).toContain("日本語の標識");
    expect(scatter).toContain(`<title>${ODD_LABELS[3]}</title>`); // 300 signs, whole
    expect(scatter).toContain("constructor (n=");
    for (const { svg } of figures) expect(svg).not.toMatch(/<script|<img/);
  });

  it("are the same for the same data", async () => {
    const [a, b] = [await allFigures(60, labels(4)), await allFigures(60, labels(4))];
    expect(a).toEqual(b);
  });
});

describe("figure1", () => {
  it("has a panel a label, titled with its count", async () => {
    const { svg } = await draw.figure1(cloud(169, labels(4)));
    for (const title of ["Classical (n=", "Mesenchymal (n=", "Neural (n=", "Proneural (n="])
      expect(svg).toContain(title);
    expect(svg.match(/<image/g)).toHaveLength(5); // and the colour bar
  });
  it("takes a class without samples, and 2,000 classes", async () => {
    const empty = { ...cloud(20, labels(3)), classes: [...labels(3), "nobody"] };
    check((await draw.figure1(empty)).svg);
    expect((await draw.figure1(empty)).svg).toContain("nobody (n=0)");
    const many = cloud(2500, labels(2000), 32);
    const figure = await draw.figure1(many);
    expect(figure.title).toContain("60 largest of 2000");
    expect((await draw.figureCombined(many)).svg).toContain("and 1910 more");
    const mean = many.classes.map((_, r) => many.classes.map((_, c) => (r === c ? 1 : 0)));
    const { svg } = draw.confusionAverage({
      nets: [{ net: "n", classes: many.classes, mean, normalised: mean }],
    });
    expect(svg.length).toBeLessThan(1e6); // cells, not four million of them
  });
});

describe("coverage", () => {
  it("is the number of squares over a pixel, by brute force, also at borders and on odd sizes", () => {
    const map = cloud(50, labels(3), 21);
    for (const only of [undefined, 1]) {
      const expected = new Uint32Array(21 * 21);
      for (let i = 0; i < 50; i++) {
        if (only !== undefined && map.codes[i] !== only) continue;
        const image = blob(map.x[i], map.y[i], [1, 1, 1], 21);
        for (let p = 0; p < 21 * 21; p++) expected[p] += image[3 * p];
      }
      expect(coverage(map, only)).toEqual(expected);
    }
  });
  it("of no samples is 0", () => {
    const none = new Int32Array(0);
    expect(coverage({ x: none, y: none, codes: none, classes: [], size: square(3) })).toEqual(
      new Uint32Array(9),
    );
  });
});

describe("no data at all", () => {
  const none = new Int32Array(0);
  const map = { x: none, y: none, codes: none, classes: [], size: square(128) };
  it("still gives figures", async () => {
    const figures = [
      await draw.figure1(map),
      await draw.figureCombined(map),
      await draw.figureGenesPixel(map),
      draw.embeddingScatter({
        name: "embedding_umap",
        title: "",
        points: new Float32Array(0),
        codes: none,
        classes: [],
        axes: ["", ""],
      }),
      draw.trainingHistory({ nets: [] }),
      draw.trainingHistory({ nets: [{ net: "resnet18", folds: [{ fold: 1, loss: [] }] }] }),
      draw.confusionAverage({ nets: [] }),
      draw.foldScores({ nets: [], metrics: [] }),
      draw.scoresFigure({ models: [], majority: 0 }),
      draw.auditInflation({ inflation: [] }),
      draw.reliability({ nets: [] }),
      draw.riskCoverageCurves({ nets: [], majority: 0 }),
      await draw.imagesByClass({ classes: [], size: square(128) }),
    ];
    for (const { svg } of figures) check(svg);
    expect(await draw.saliencyFigures({ panels: [], size: square(128), net: "resnet18" })).toEqual([]);
  });
});

describe("trainingHistory", () => {
  it("leaves out losses that are not finite", () => {
    const folds = [{ fold: 1, loss: [1, Number.NaN, 0.5, Number.POSITIVE_INFINITY] }];
    check(draw.trainingHistory({ nets: [{ net: "resnet18", folds }] }).svg);
  });
  it("says the mean loss at the end", () => {
    const folds = [
      { fold: 1, loss: [2, 0.5] },
      { fold: 2, loss: [2, 0.7] },
    ];
    expect(draw.trainingHistory({ nets: [{ net: "resnet18", folds }] }).title).toContain("0.6");
  });
  it("takes 100 epochs and 10 folds", () => {
    check(draw.trainingHistory({ nets: [{ net: "resnet18", folds: losses(10, 100) }] }).svg);
  });
});

describe("confusionAverage", () => {
  it("writes counts and shares", () => {
    const mean = [
      [9.5, 0.5],
      [0, 4],
    ];
    const normalised = [
      [0.95, 0.05],
      [0, 1],
    ];
    const { svg } = draw.confusionAverage({
      nets: [{ net: "resnet18", classes: ["a", "b"], mean, normalised }],
    });
    for (const cell of [">9.5<", ">95 %<", ">0.5<", ">5 %<", ">4.0<", ">100 %<"]) expect(svg).toContain(cell);
  });
});

describe("foldScores", () => {
  it("takes undefined metrics and a single fold", () => {
    const figure = draw.foldScores({
      nets: ["resnet18"],
      metrics: [
        { label: "accuracy", values: [[0.5]], mean: [0.5], sd: [null] },
        { label: "AUC", values: [[null]], mean: [null], sd: [null] },
        { label: "MCC", values: [[-0.4]], mean: [-0.4], sd: [0.9] },
      ],
    });
    check(figure.svg);
    expect(figure.svg).toContain("not defined");
  });
});

describe("scoresFigure", () => {
  const model = { name: "resnet18", kind: "net", top: true, estimate: 0.8, low: 0.7, high: 0.9 } as const;
  it("puts estimate, interval and majority where the axis has them, and writes them", () => {
    const { svg } = draw.scoresFigure({ models: [model], majority: 0.5 });
    check(svg);
    // from 0.4, the round number below the majority, to 1 on 386 px from 190
    const at = (value: number): string => String(Math.round((190 + ((value - 0.4) / 0.6) * 386) * 100) / 100);
    expect(svg).toContain(`<line x1="${at(0.7)}" x2="${at(0.9)}"`);
    expect(svg).toMatch(new RegExp(`<line x1="${at(0.5)}" x2="${at(0.5)}"[^>]*stroke-dasharray`));
    expect(svg).toContain(">0.800 (0.700–0.900)<");
    expect(svg).toContain("always the largest class (0.500)");
  });
  it("marks nets and baselines differently, the top ones in bold, and shows a kind only where it is there", () => {
    const knn = { ...model, name: "knn", kind: "baseline", top: false } as const;
    const { svg } = draw.scoresFigure({ models: [model, knn], majority: 0.5 });
    expect(svg).toMatch(/font-weight="bold"[^>]*>resnet18</);
    expect(svg).not.toMatch(/font-weight="bold"[^>]*>knn</);
    expect(svg).toContain(">baseline<");
    expect(draw.scoresFigure({ models: [model], majority: 0.5 }).svg).not.toContain(">baseline<");
  });
  it("takes hostile names, undefined values, ten models and scores of 0", () => {
    const models = ODD_LABELS.map((name) => ({ ...model, name, low: null, high: null }));
    Object.assign(models[3], { estimate: 0 });
    const { svg } = draw.scoresFigure({ models: [...models, { ...model, estimate: null }], majority: 0 });
    check(svg);
    expect(svg).toContain(">not defined<");
  });
});

describe("auditInflation", () => {
  it("draws both protocols of each model and writes the difference with its interval", () => {
    const [first, second] = audit().inflation;
    const { svg } = draw.auditInflation({ inflation: [first, second, { ...first, name: ODD_LABELS[3] }] });
    check(svg);
    expect(svg).toContain(">+0.040<");
    expect(svg).toContain(">+0.030 (−0.005 to +0.080)<");
    for (const category of [0, 1])
      expect(svg.match(new RegExp(`<path [^>]*fill="${categoryColour(category)}"`, "g"))).toHaveLength(4); // and the legend's
  });
});

describe("reliability", () => {
  const { actual, probabilities } = predictions(300, 4);
  const net = "resnet18";
  it("has a mark and an interval a bin that holds samples, and writes the ECE before and after", () => {
    const result = calibration(actual, probabilities, 4, 2);
    const { svg, title } = draw.reliability({ nets: [{ net, calibration: result }] });
    const ece = [result.before, result.after].map((m) => m?.ece.toFixed(3));
    expect(svg).toContain(`>ECE ${ece[0]} → ${ece[1]}</text>`);
    expect(title).toContain("before and after temperature scaling");
    [result.before, result.after].forEach((measures, s) => {
      const full = measures?.bins.filter((bin) => bin.count > 0) ?? [];
      const colour = categoryColour(s);
      const ofSeries = (tag: string, attribute: string): number =>
        svg.match(new RegExp(`<${tag} [^>]*${attribute}="${colour}"`, "g"))?.length ?? 0;
      expect(full.length).toBeGreaterThan(3);
      expect(ofSeries("line", "stroke")).toBe(full.length);
      expect(ofSeries("rect", "fill")).toBe(full.length);
      expect(ofSeries("path", "fill")).toBe(full.length + 1); // and the legend's
    });
  });
  it("puts a mark where its bin's accuracy and confidence are", () => {
    // one bin: confidence 0.75, half of the samples right, on a panel of 250 px from (58, 44)
    const one = calibration(Int32Array.of(0, 1), Float64Array.of(0.75, 0.25, 0.75, 0.25), 2);
    const { svg } = draw.reliability({ nets: [{ net, calibration: one }] });
    const [x, low, high] = [
      58 + 0.75 * 250,
      one.before.bins[11].interval?.[0],
      one.before.bins[11].interval?.[1],
    ];
    const at = (share: number | undefined): string => (44 + 250 * (1 - (share ?? 0))).toFixed(2);
    expect(svg).toContain(`<line x1="${x}" x2="${x}" y1="${at(low)}" y2="${at(high)}"`);
  });
  it("shows one series where there are no temperatures", () => {
    const { svg, title } = draw.reliability({
      nets: [{ net, calibration: calibration(actual, probabilities, 4) }],
    });
    expect(svg).not.toContain("temperature");
    expect(svg).not.toContain("→");
    expect(title).not.toContain("temperature");
  });
  it("takes seven nets and hostile names", () => {
    const nets = ODD_LABELS.slice(0, 7).map((name) => ({
      net: name,
      calibration: calibration(actual, probabilities, 4, 2),
    }));
    check(draw.reliability({ nets }).svg);
  });
});

describe("riskCoverageCurves", () => {
  it("ends every line at the net's error, and leaves out the first few samples, but not of a small set", () => {
    const { actual, probabilities } = predictions(300, 4);
    const curve = riskCoverage(actual, probabilities, 4);
    const first = curve.points.find((point) => point.assigned === 10);
    const { svg, title } = draw.riskCoverageCurves({ nets: [{ net: "resnet18", curve }], majority: 0.3 });
    const line = /<path d="M([\d.]+),[^"]*L([\d.]+),[\d.]+"/.exec(svg);
    expect(Number(line?.[1])).toBeCloseTo(58 + 400 * (first?.coverage ?? 0), 1);
    expect(Number(line?.[2])).toBe(458);
    expect(svg).toContain(`(area ${curve.aurc.toFixed(3)})`);
    expect(svg).toContain("always the largest class (0.700)");
    expect(title).toContain("from 10 samples on");
    const few = predictions(12, 2);
    const small = riskCoverage(few.actual, few.probabilities, 2);
    expect(
      draw.riskCoverageCurves({ nets: [{ net: "resnet18", curve: small }], majority: 0.5 }).title,
    ).not.toContain("samples on");
  });
  it("keeps a line of many samples short", () => {
    const { actual, probabilities } = predictions(20_000, 3);
    const nets = [{ net: "resnet18", curve: riskCoverage(actual, probabilities, 3) }];
    const { svg } = draw.riskCoverageCurves({ nets, majority: 0.3 });
    check(svg);
    expect(svg.length).toBeLessThan(25_000);
  });
  it("takes a single confidence, and a net without an error on one class", () => {
    const same = riskCoverage(Int32Array.of(0, 1), Float64Array.of(0.5, 0.5, 0.5, 0.5), 2);
    const right = riskCoverage(Int32Array.of(0, 0), Float64Array.of(1, 1), 1);
    for (const [curve, majority] of [
      [same, 0.5],
      [right, 1],
    ] as const)
      check(draw.riskCoverageCurves({ nets: [{ net: "n", curve }], majority }).svg);
  });
});

describe("saliencyFigures", () => {
  it("puts four classes into a figure and states each scale", async () => {
    const panels = labels(5).map((label, i) => ({
      label,
      sample: `s${i}`,
      probability: 0.5,
      image: blob(i, i, [255, 0, 0], 9),
      map: Float32Array.from({ length: 81 }, (_, k) => (k === 40 ? 0.25 : 0)),
    }));
    const figures = await draw.saliencyFigures({ panels, size: square(9), net: "resnet18" });
    expect(figures.map((f) => f.name)).toEqual(["Figure_Saliency_1", "Figure_Saliency_2"]);
    expect(figures[0].svg).toContain(">0.25<");
    expect(figures[1].svg).toContain("p = 0.500");
  });
  it("says where a gradient is 0 everywhere, and takes values that are not finite as 0", async () => {
    const image = blob(1, 1, [9, 9, 9], 3);
    const panel = { label: "a", sample: "s", probability: 1, image };
    const zero = await draw.saliencyFigures({
      panels: [{ ...panel, map: new Float32Array(9) }],
      size: square(3),
      net: "n",
    });
    expect(zero[0].svg).toContain("gradient is 0 everywhere");
    const map = glow(1, 1, 3).fill(Number.NaN, 0, 2);
    check((await draw.saliencyFigures({ panels: [{ ...panel, map }], size: square(3), net: "n" }))[0].svg);
  });
});

describe("writeFigure", () => {
  let dir = "";
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "cellhue-figure-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it("writes SVG and PNG of 300 dpi, the same bytes each time, and nothing else", async () => {
    const figure = await draw.figureGenesPixel(cloud(50, labels(2)));
    const to = join(dir, "figures");
    await mkdir(to);
    const run = { write: (path: string, data: string | Uint8Array) => writeFile(join(dir, path), data) };
    await writeFigure(run, figure);
    const first = await readFile(join(to, "Figure_genes_pixel.png"));
    await writeFigure(run, figure);
    expect(await readFile(join(to, "Figure_genes_pixel.png"))).toEqual(first);
    expect((await readdir(to)).sort()).toEqual(["Figure_genes_pixel.png", "Figure_genes_pixel.svg"]);
    const { width, density, channels } = await sharp(first).metadata();
    expect(width).toBe(Math.ceil((Number(/width="(\d+)"/.exec(figure.svg)?.[1]) * 300) / 96));
    expect(density).toBe(300);
    expect(channels).toBe(3);
  });

  it("draws text and pixels: the PNG has the map's colours and black letters", async () => {
    const png = await figurePng(await draw.figureGenesPixel(cloud(50, labels(2))));
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    const colours = new Map<string, number>();
    for (let i = 0; i < data.length; i += info.channels) {
      const rgb = `${data[i]},${data[i + 1]},${data[i + 2]}`;
      colours.set(rgb, (colours.get(rgb) ?? 0) + 1);
    }
    expect(colours.get("68,1,84")).toBeGreaterThan(1e5); // viridis at 0
    expect(colours.get("253,231,37")).toBeGreaterThan(50); // viridis at its maximum
    expect(colours.get("34,34,34")).toBeGreaterThan(1000); // ink
  });

  it("keeps the PNG of a huge figure within bounds", async () => {
    const { width = 0, height = 0 } = await sharp(
      await figurePng({
        name: "x",
        title: "x",
        svg: '<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="8000"/>',
      }),
    ).metadata();
    expect(width * height).toBeLessThan(41e6);
  });
});
