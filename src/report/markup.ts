/**
 * Builds SVG and HTML as strings. A plain string is always data and is escaped; only `Markup` passes through as it is,
 * and only `el`, `join` and trusted constants make one. Labels out of a file can thus never become markup.
 */
export class Markup {
  constructor(readonly source: string) {}
  toString(): string {
    return this.source;
  }
}

export type Child = Markup | string | number | undefined | readonly Child[];
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// What XML 1.0 cannot hold, not even escaped: control characters, lone surrogates, the two non-characters.
const UNREADABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** What XML, HTML and URLs cannot hold becomes U+FFFD. */
export function readable(text: string): string {
  return text.replace(UNREADABLE, "\ufffd");
}

/** Text made safe for XML and HTML, in content and in quoted attributes. */
export function escapeText(text: string): string {
  return readable(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

/** A number as an attribute: at most 2 decimals. @throws RangeError where it is not finite, since that draws nothing */
export function number(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`a drawing cannot hold the number ${value}`);
  return String(Math.round(value * 100) / 100 + 0);
}

// Elements without content: void in HTML, or self-closing in SVG (an HTML parser accepts both forms below).
const EMPTY = new Set(["meta", "link", "br", "hr", "col", "rect", "line", "path", "circle", "image"]);

function content(child: Child): string {
  if (child === undefined) return "";
  if (child instanceof Markup) return child.source;
  if (typeof child === "string") return escapeText(child);
  if (typeof child === "number") return escapeText(String(child));
  return child.map(content).join("");
}

/** One element. Names of elements and attributes are ours, all values are data; undefined leaves an attribute out. */
export function el(name: string, attributes: Attributes = {}, ...children: Child[]): Markup {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined)
      open += ` ${key}="${typeof value === "number" ? number(value) : escapeText(value)}"`;
  }
  if (EMPTY.has(name) && children.length === 0) return new Markup(`${open}/>`);
  return new Markup(`${open}>${content(children)}</${name}>`);
}

/** Several children as one. */
export function join(...children: Child[]): Markup {
  return new Markup(content(children));
}
