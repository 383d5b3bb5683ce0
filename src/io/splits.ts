/**
 * splits.csv of a run: which samples each fold trains on, validates on and tests on. The stage folds draws them once;
 * every later stage, the baselines and the audit read them here, so that all models see the same folds.
 */
import { z } from "zod";
import { CellhueError } from "../errors.js";
import { csvText, parseCsv } from "./csv.js";
import type { Samples } from "./images.js";
import type { RunFolder } from "./run-folder.js";
import { shellWord } from "./visible.js";

export interface RunSplit {
  repeat: number;
  /** Within the repeat. */
  fold: number;
  /** What a reader calls it: "fold 1", the group left out. */
  name: string;
  /** Indices of samples, rising; no sample is in two parts. */
  train: Int32Array;
  validation: Int32Array;
  test: Int32Array;
}

/** How the final net is trained: on all samples but a validation part, or as one of the splits (a fixed split). */
export type FinalSplit = Pick<RunSplit, "train" | "validation"> & { sameAs: number | null };

export interface Splits {
  splits: RunSplit[];
  final: FinalSplit;
  /** Group of each sample; null where no groups were named. */
  groups: readonly string[] | null;
}

const PARTS = ["train", "validation", "test"] as const;

export function splitsCsv({ names, rows }: Samples, { splits, final, groups }: Splits): string {
  const partOf = (split: Partial<Pick<RunSplit, (typeof PARTS)[number]>>) => {
    const parts = new Array<string>(names.length).fill("");
    for (const part of PARTS) for (const i of split[part] ?? []) parts[i] = part;
    return parts;
  };
  const columns = [...splits.map(partOf), partOf(final)];
  return csvText(
    ["sample", "row", "group", ...splits.map((_, k) => `split_${k}`), "final"],
    names.map((name, i) => [name, rows[i], groups?.[i] ?? "", ...columns.map((column) => column[i])]),
  );
}

/** What the stage folds notes of each split in run.json, beside splits.csv. */
export interface SplitsInfo {
  splits: { repeat: number; fold: number; name: string }[];
  /** The split that the final net is; null: it has samples of its own. */
  finalSameAs: number | null;
  /** Sentences for the reader: what these folds mean. */
  notes: string[];
  /** Whether groups were named. */
  grouped: boolean;
}

const infoSchema: z.ZodType<SplitsInfo> = z.object({
  splits: z.array(z.object({ repeat: z.number().int(), fold: z.number().int(), name: z.string() })).min(1),
  finalSameAs: z.number().int().nullable(),
  notes: z.array(z.string()),
  grouped: z.boolean(),
});

/** @throws CellhueError where splits.csv does not fit run.json */
export async function readSplits(run: RunFolder): Promise<Splits & { notes: string[] }> {
  const info = infoSchema.safeParse(run.record.stages.folds?.info).data;
  const [header = [], ...rows] = parseCsv(await run.readText("splits.csv"));
  const first = 3;
  if (info === undefined || header.length !== first + info.splits.length + 1)
    throw new CellhueError("splits.csv does not fit the run", {
      where: run.path("splits.csv"),
      found: `${Math.max(0, header.length - first - 1)} splits`,
      expected: `${info?.splits.length ?? 0} splits`,
      remedy: `remove the file, then: cellhue folds ${shellWord(run.root)}`,
    });
  const partsOf = (column: number) => {
    const of = (part: string) =>
      Int32Array.from(rows.flatMap((cells, i) => (cells[column] === part ? [i] : [])));
    return { train: of("train"), validation: of("validation"), test: of("test") };
  };
  const { train, validation } = partsOf(header.length - 1);
  return {
    splits: info.splits.map((split, k) => ({ ...split, ...partsOf(first + k) })),
    final: { train, validation, sameAs: info.finalSameAs },
    groups: info.grouped ? rows.map((cells) => cells[first - 1]) : null,
    notes: info.notes,
  };
}
