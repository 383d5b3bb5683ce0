/**
 * A data frame as it comes out of a file (obs or var): an index and typed columns in file order. Missing values are
 * explicit: code -1, null or NaN. Names and values are data and never interpreted.
 */
export type Column =
  | {
      readonly kind: "categorical";
      readonly categories: readonly string[];
      readonly codes: Int32Array;
      readonly ordered: boolean;
    }
  | { readonly kind: "string"; readonly values: readonly (string | null)[] }
  | { readonly kind: "number"; readonly values: Float64Array; readonly integer: boolean }
  | { readonly kind: "boolean"; readonly values: Int8Array };

export interface Table {
  readonly length: number;
  readonly index: readonly string[];
  readonly columns: ReadonlyMap<string, Column>;
}
