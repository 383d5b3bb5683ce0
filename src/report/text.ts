/**
 * Text in figures: its width without a DOM (advance widths of DejaVu Sans), shortening, and the text element itself.
 * A shortened text carries the whole in a <title>, which browsers show on hover and screen readers read.
 */
import { el, type Markup } from "./markup.js";

/** DejaVu Sans first (PNGs are made with it), then fonts of the same or a smaller width. */
export const FONT_FAMILY = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif";
/** Default text size in px. */
export const FONT_SIZE = 11;

// Advance widths in 1/1000 em of U+0020…U+007E: assets/fonts/DejaVuSans.ttf, 2.37.
const ASCII = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
  636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
  295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
  500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
  392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];
const BOLD_FACTOR = 1.13; // DejaVu Sans Bold is at most this much wider on average text

function emWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return ASCII[code - 0x20] / 1000;
  if (/\p{Mark}|\p{Cf}/u.test(character)) return 0;
  if (code < 0x530) return 0.72; // Latin, Greek, Cyrillic: above their means
  if (code >= 0x2e80) return 1; // East Asian, emoji
  return 0.8;
}

/** Estimated width in px: exact for ASCII in DejaVu Sans without kerning, an upper guess elsewhere. */
export function textWidth(text: string, size = FONT_SIZE, bold = false): number {
  let em = 0;
  for (const character of text) em += emWidth(character);
  return em * size * (bold ? BOLD_FACTOR : 1);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The text itself where it fits `width` px, else its beginning and end around an ellipsis: names that share a long
 * prefix often differ at the end.
 */
export function shorten(text: string, width: number, size = FONT_SIZE, bold = false): string {
  // What is beyond this cannot be visible, and splitting it would take long.
  const long = text.length > 2000 ? `${text.slice(0, 1000)}${text.slice(-1000)}` : text;
  if (long === text && textWidth(text, size, bold) <= width) return text;
  const parts = Array.from(graphemes.segment(long), (s) => s.segment);
  let room = width - textWidth("…", size, bold);
  let head = 0;
  let tail = 0;
  while (head + tail < parts.length) {
    const fromEnd = head >= 2 * (tail + 1); // two parts of the beginning for one of the end
    const w = textWidth(fromEnd ? parts[parts.length - 1 - tail] : parts[head], size, bold);
    if (w > room) break;
    room -= w;
    if (fromEnd) tail++;
    else head++;
  }
  return `${parts.slice(0, head).join("")}…${tail > 0 ? parts.slice(-tail).join("") : ""}`;
}

/** On one line, and without the signs that would turn the order of what stands beside (U+202A…, U+2066…). */
export function shownAs(content: string): string {
  return content.replace(/\s+/g, " ").replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

export interface TextOptions {
  anchor?: "start" | "middle" | "end";
  size?: number;
  bold?: boolean;
  /** 0…1; less than 1 for what is secondary. */
  opacity?: number;
  fill?: string;
  /** Degrees, clockwise, about (x, y). */
  rotate?: number;
  /** Longer text is shortened to so many px. */
  width?: number;
  /** Put behind the text and never shortened, e.g. " (n=144)"; counts towards `width`. */
  suffix?: string;
  /** Whole text for the title, where it is not `content` itself. */
  whole?: string;
}

/** A <text> whose baseline stands at (x, y). */
export function text(x: number, y: number, content: string, options: TextOptions = {}): Markup {
  const { anchor, size = FONT_SIZE, bold = false, opacity, fill = "currentColor", rotate } = options;
  const { suffix = "" } = options;
  const line = shownAs(content);
  const room =
    options.width === undefined ? undefined : Math.max(0, options.width - textWidth(suffix, size, bold));
  const shown = room === undefined ? line : shorten(line, room, size, bold);
  const node = el(
    "text",
    {
      x,
      y,
      "text-anchor": anchor === "start" ? undefined : anchor,
      "font-size": size === FONT_SIZE ? undefined : size,
      "font-weight": bold ? "bold" : undefined,
      "fill-opacity": opacity,
      fill,
      transform: rotate === undefined ? undefined : `rotate(${rotate} ${x.toFixed(1)} ${y.toFixed(1)})`,
    },
    shown + suffix,
  );
  const whole = options.whole ?? content;
  return shown === line && options.whole === undefined ? node : el("g", {}, el("title", {}, whole), node);
}
