/** audit.json: what `cellhue audit` measures of leak, batch and chance. */

/** A measured share; the ends are null where no interval is known. */
interface Measured {
  accuracy: number;
  low: number | null;
  high: number | null;
  /** Share of the largest class: what always naming it reaches. */
  majority: number;
  words: string;
}

export interface AuditReport {
  schema: "cellhue.audit/1";
  /** Accuracy of each model under both protocols on the same folds; `difference`: published − inductive. */
  inflation: {
    name: string;
    published: number;
    inductive: number;
    difference: { estimate: number; low: number | null; high: number | null };
    words: string;
  }[];
  /** How far the label is predictable from what should not know it: columns of obs. */
  label: ({ column: string; kind: "categories" | "numbers" | "all" } & Measured)[];
  /** How far a batch column is predictable from the image. */
  image: ({ column: string } & Measured)[];
  duplicates: { a: string; b: string; correlation: number; identical: boolean; acrossFolds: boolean }[];
  /** Accuracy on shuffled labels: chance. */
  shuffled: ({ name: string } & Measured)[];
  notes: string[];
}
