/** Text for a terminal: labels and paths out of a file may hold control codes, which are shown and not sent. */
import { visible } from "../io/visible.js";

/** Line breaks stay; every line is cut at 2,000 characters. */
export const printable = (text: string): string =>
  text
    .split("\n")
    .map((line) => visible(line, 2000))
    .join("\n");
