/**
 * A figure is an SVG string; on disk it is `<name>.svg` and `<name>.png`. PNGs are rendered by resvg with DejaVu Sans
 * from its package, so that they are the same on every machine; the machine's own fonts serve scripts that DejaVu lacks.
 * resvg and the disk are loaded on first use.
 */
import { type Child, el, join } from "./markup.js";
import { FONT_FAMILY, FONT_SIZE } from "./text.js";

export interface Figure {
  /** File name without extension, e.g. "Figure_1". */
  name: string;
  /** One sentence: the caption, and what a screen reader says. */
  title: string;
  /** No ids, no styles, no scripts in it: any number of figures can stand in one HTML page. */
  svg: string;
}

/** A figure of width × height px (1/96 inch) from its drawing. */
export function figure(
  name: string,
  title: string,
  width: number,
  height: number,
  ...drawing: Child[]
): Figure {
  const w = Math.ceil(width);
  const h = Math.ceil(height);
  const svg = el(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: w,
      height: h,
      viewBox: `0 0 ${w} ${h}`,
      role: "img",
      "aria-label": title,
      color: "#222222",
      "font-family": FONT_FAMILY,
      "font-size": FONT_SIZE,
    },
    el("rect", { width: w, height: h, fill: "#ffffff" }),
    join(...drawing),
  );
  return { name, title, svg: svg.source };
}

const DPI = 300;
const MOST_PIXELS = 40e6; // a figure of 2,000 classes shall not take gigabytes
// Scripts that DejaVu Sans has no glyphs for; only then are the machine's fonts read.
const OTHER_SCRIPTS =
  /[\u0700-\u109f\u1100-\u1cff\u2e80-\ufdff\ufe30-\ufe6f\uff00-\uffef\u{10000}-\u{10ffff}]/u;

/** The figure as a PNG of 300 dpi on white. */
export async function figurePng({ svg }: Figure): Promise<Uint8Array> {
  const [{ renderAsync }, { encodePng }, { fileURLToPath }] = await Promise.all([
    import("@resvg/resvg-js"),
    import("../io/png.js"),
    import("node:url"),
  ]);
  const size = /width="(\d+)" height="(\d+)"/.exec(svg);
  const area = size === null ? 1 : Number(size[1]) * Number(size[2]);
  const zoom = Math.min(DPI / 96, Math.sqrt(MOST_PIXELS / area));
  const image = await renderAsync(svg, {
    fitTo: { mode: "zoom", value: zoom },
    background: "#ffffff",
    font: {
      fontFiles: ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
        fileURLToPath(new URL(`../../assets/fonts/${file}`, import.meta.url)),
      ),
      loadSystemFonts: OTHER_SCRIPTS.test(svg),
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  const { width, height } = image;
  const { pixels } = image; // opaque, on white; each call of it copies
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = pixels[from];
    rgb[to + 1] = pixels[from + 1];
    rgb[to + 2] = pixels[from + 2];
  }
  return encodePng(rgb, width, height, zoom * 96);
}

/** Writes figures/<name>.svg and .png; each file appears whole or not. @param run what writes files, a run folder */
export async function writeFigure(
  run: { write(path: string, data: string | Uint8Array): Promise<void> },
  figure: Figure,
): Promise<void> {
  const png = await figurePng(figure);
  await run.write(`figures/${figure.name}.svg`, `${figure.svg}\n`);
  await run.write(`figures/${figure.name}.png`, png);
}
