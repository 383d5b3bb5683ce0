/** What the sections of the report are made of: names within sentences, numbers, tables, links, figures. */
import type { Figure } from "./figure.js";
import { type Child, el, Markup, readable } from "./markup.js";

/** Data within a sentence, kept from turning the order of the words around it. */
export function bdi(text: string): Markup {
  return el("bdi", {}, text);
}

/** A link to a file beside the report; text where the path would lead elsewhere. */
export function link(path: string, text: string): Markup {
  const parts = path.split("/");
  if (path === "" || parts.some((p) => p === "" || p === "." || p === "..")) return bdi(text);
  // A name may hold half a surrogate pair, which no URL can.
  return el("a", { href: parts.map((p) => encodeURIComponent(readable(p))).join("/") }, bdi(text));
}

export function figureBlock({ name, title, svg }: Figure, folder: string | undefined): Markup {
  const width = Number(/ width="(\d+)"/.exec(svg)?.[1] ?? 0);
  // A wide figure shrinks to three quarters at most, so that its text stays readable; then its box scrolls.
  const least = Math.round(Math.min(width, Math.max(560, 0.75 * width)));
  const links = ["svg", "png"].map((kind) => link(`${folder}/${name}.${kind}`, kind.toUpperCase()));
  const drawing = svg.replace("<svg ", `<svg style="min-width:${least}px" `);
  return el(
    "figure",
    {},
    el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, new Markup(drawing)),
    el("figcaption", {}, title, ".", folder === undefined ? undefined : [" ", links[0], " · ", links[1]]),
  );
}

/** Sentences as a list; undefined where there are none. */
export function list(items: readonly Child[]): Child {
  return items.length === 0
    ? undefined
    : el(
        "ul",
        {},
        items.map((item) => el("li", {}, item)),
      );
}

/** @param words which of the columns hold words, in a table of numbers */
export function head(names: readonly string[], words: readonly string[] = []): Markup {
  return el(
    "thead",
    {},
    el(
      "tr",
      {},
      names.map((name) =>
        el(
          "th",
          { scope: "col", class: words.includes(name) ? "words" : undefined },
          name === "" ? undefined : bdi(name),
        ),
      ),
    ),
  );
}

/** Rows beyond which a table scrolls within its own box. */
const MOST_ROWS = 16;

/** A table in a box that scrolls by itself, sideways and, where it is long, downwards. */
export function scrolling(
  name: string,
  cssClass: string | undefined,
  header: Markup,
  rows: readonly Markup[],
  most = MOST_ROWS,
): Markup {
  return el(
    "div",
    { class: rows.length > most ? "scroll tall" : "scroll", tabindex: 0, role: "group", "aria-label": name },
    el("table", { class: cssClass }, header, el("tbody", {}, rows)),
  );
}

/** Names beside values. */
export function table(rows: readonly (readonly [string, string])[]): Markup {
  const body = rows.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, bdi(name)), el("td", {}, bdi(value))),
  );
  return el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, body)));
}

/** A second, softer line of a cell. */
export const below = (content: Child): Markup => el("span", { class: "below" }, content);

/** Signs beyond which a name may be cut. */
const LONG = 60;

/** The name of a row, which can be long and in any script, over what else there is to say of it. */
export function rowHead(name: string, more?: Child): Markup {
  return el(
    "th",
    { scope: "row", class: "name", title: name.length > LONG ? name : undefined },
    bdi(name),
    more === undefined ? undefined : below(more),
  );
}
