/** Columns of text → columns of a Table, for labels and annotations. */
import type { Column } from "../../table.js";
import { isMissing, numberOf } from "../numbers.js";

/**
 * Numbers where every value is one and reads back as it was written ("007" and "1e3" are names); text otherwise. What
 * `isMissing` says is missing.
 */
export function columnOfTexts(values: readonly string[]): Column {
  const present = values.filter((value) => !isMissing(value));
  const isNumber =
    present.length > 0 && present.every((value) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value.trim()));
  if (!isNumber) return { kind: "string", values: values.map((value) => (isMissing(value) ? null : value)) };
  return {
    kind: "number",
    values: Float64Array.from(values, (value) => (isMissing(value) ? Number.NaN : numberOf(value))),
    integer: present.every((value) => !value.includes(".")),
  };
}
