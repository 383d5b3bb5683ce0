/** Values with their 95 % intervals in tables, and what there is to know beside them. */
import type { Interval } from "../evaluate/bootstrap.js";
import { below } from "./elements.js";
import { type Child, el, type Markup } from "./markup.js";
import { range, score } from "./numbers.js";

type Shown = Pick<Interval, "estimate" | "low" | "high" | "note">;

/** Sentences that all of the intervals carry: said once under a table rather than at each cell. */
export function sharedNotes(intervals: readonly Shown[]): string[] {
  const [first = [], ...others] = intervals.map(sentencesOf);
  return first.filter((note) => others.every((notes) => notes.includes(note)));
}

/** A value over its interval; a note that is not shared is marked, and shown on hover. */
export function intervalCell(
  interval: Shown,
  shared: readonly string[] = [],
  shown: (value: number) => string = score,
): Markup {
  const { estimate, low, high } = interval;
  const own = sentencesOf(interval).filter((note) => !shared.includes(note));
  const title = own.length === 0 ? undefined : own.join(" ");
  if (estimate === null) return el("td", { title }, "–");
  const ends = low === null || high === null ? "no interval" : range(low, high, shown);
  return el("td", { title }, shown(estimate), below([ends, title === undefined ? undefined : " †"]));
}

/** What stands under a table of such cells. */
export function intervalNotes(intervals: readonly Shown[], shared: readonly string[]): Child {
  const marked = intervals.some((interval) => sentencesOf(interval).some((note) => !shared.includes(note)));
  if (!marked && shared.length === 0) return undefined;
  return el(
    "p",
    { class: "soft" },
    [
      ...shared,
      ...(marked
        ? [
            "† All samples right or all wrong: the bound is the exact binomial one; or the same value in every resample: no interval. Hovering shows which.",
          ]
        : []),
    ].join(" "),
  );
}

function sentencesOf({ note = "" }: Shown): string[] {
  return note.split(/(?<=\.)\s+/).filter((part) => part !== "");
}
