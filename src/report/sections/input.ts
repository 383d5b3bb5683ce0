/** "What went in": the file and its classes. */
import { bdi, head, scrolling, table } from "../elements.js";
import { type Child, el, type Markup } from "../markup.js";
import { share, whole } from "../numbers.js";
import { categoryColour, markerPath } from "../palette.js";
import { largestShare } from "../words.js";

export interface Input {
  file: string;
  bytes?: number;
  sha256?: string;
  samples: number;
  genes: number;
  /** Column of obs. */
  label: string;
  /** In the order of the codes. */
  classes: readonly { name: string; count: number }[];
  /** How X is stored, e.g. "CSR float32". */
  storage?: string;
  /** What X holds, with the evidence, e.g. "counts (integers, up to 812)". */
  state?: string;
  /** Anything else worth a line, e.g. ["layer", "counts"], ["dropped", "3 samples without a label"]. */
  more?: readonly (readonly [string, string])[];
}

export function inputBody(data: Input): Child {
  const rows: (readonly [string, string] | undefined)[] = [
    ["file", data.file],
    data.bytes === undefined ? undefined : ["size", size(data.bytes)],
    data.sha256 === undefined ? undefined : ["SHA-256", data.sha256],
    ["shape", `${whole(data.samples)} samples × ${whole(data.genes)} genes`],
    data.storage === undefined ? undefined : ["X stored as", data.storage],
    data.state === undefined ? undefined : ["X holds", data.state],
    ["label column", data.label],
    ...(data.more ?? []),
  ];
  const total = data.classes.reduce((sum, c) => sum + c.count, 0);
  const most = largestShare(data.classes);
  const bars = data.classes.map(({ name, count }, i) => {
    const part = total === 0 ? 0 : count / total;
    const width = most === 0 ? 0 : (90 * part) / most;
    return el(
      "tr",
      {},
      el("td", {}, key(i), bdi(name)),
      el("td", { class: "number" }, whole(count)),
      el("td", { class: "number" }, share(part)),
      el("td", {}, el("span", { class: "bar", style: `width:${width.toFixed(1)}px` })),
    );
  });
  return [
    table(rows.filter((r) => r !== undefined)),
    el("h3", {}, `Classes (${data.classes.length})`),
    scrolling("Classes", undefined, head(["class", "samples", "share", ""]), bars, 40),
  ];
}

export function size(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < 3; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Colour and shape of a class, as in the figures. */
function key(i: number): Markup {
  const path = el("path", { d: markerPath(i, 7, 7, 60), fill: categoryColour(i) });
  return el(
    "svg",
    { class: "key", width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" },
    path,
  );
}
