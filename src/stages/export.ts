/**
 * `cellhue export`: the model file of one fold's net, or of the final one, out of a run. What a fold's file predicts for
 * the samples that the fold held out is what the cross-validation says of them.
 */
import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CellhueError, throwIfAborted } from "../errors.js";
import { diskError, writeFileAtomic } from "../io/atomic.js";
import { readSamples } from "../io/images.js";
import { readModelMetadata } from "../io/model-file-read.js";
import { nearNames } from "../io/near.js";
import { RunFolder } from "../io/run-folder.js";
import { type RunSplit, readSplits } from "../io/splits.js";
import { shellWord, visible } from "../io/visible.js";
import type { NetName } from "../net/weights/layouts.js";
import { silent } from "../progress.js";
import type { StageContext } from "./context.js";
import { finalModel, foldModel } from "./model.js";
import type { FinalHistory } from "./train.js";

export interface ExportOptions {
  /** The file to write: a new one, or a model file, which is replaced. */
  out: string;
  /** A fold by its number, as in folds/<net>/<k>; without it the final model. */
  fold?: number;
  /** Its net; may be left out where there is only one. */
  net?: string;
}

export interface Exported {
  schema: "cellhue.export/1";
  /** Absolute paths. */
  run: string;
  model: string;
  net: NetName;
  /** null: the final model. */
  fold: { number: number; name: string } | null;
  bytes: number;
}

/**
 * Writes a model file of a run that has been compared.
 * @throws CellhueError where the run is not so far, has no such net or fold, or `out` cannot be written or replaced
 */
export async function exportModel(
  folder: string,
  { out, net, fold }: ExportOptions,
  ctx: StageContext = { progress: silent },
): Promise<Exported> {
  const run = await RunFolder.open(folder);
  try {
    run.requireDone("compare", "export");
    const { settings } = run.record;
    const samples = await readSamples(run);
    requireNet(run, net, fold);
    const final = (await run.readJson<FinalHistory>("final/history.json")).net;
    const { splits } = await readSplits(run);
    if (fold === undefined) requireFinalNet(run, net, final);
    else requireFold(run, splits, fold);
    await requireFree(out, run, fold);
    const { net: nets } = settings;
    const chosen = fold === undefined ? final : (nets.find((name) => name === net) ?? nets[0]);
    const bytes = await (fold === undefined
      ? finalModel(run, settings, samples)
      : foldModel(run, settings, samples, chosen, fold));
    throwIfAborted(ctx.signal);
    await mkdir(dirname(resolve(out)), { recursive: true }).catch((error: unknown) => {
      throw diskError(error, out);
    });
    await writeFileAtomic(out, bytes, { sweep: true });
    return {
      schema: "cellhue.export/1",
      run: run.root,
      model: resolve(out),
      net: chosen,
      fold: fold === undefined ? null : { number: fold, name: splits[fold].name },
      bytes: bytes.length,
    };
  } finally {
    run.close();
  }
}

/** Refuses a net that the run does not have, and a fold without a net where there are several. */
function requireNet(run: RunFolder, net: string | undefined, fold: number | undefined): void {
  const { net: nets } = run.record.settings;
  if (net === undefined ? fold === undefined || nets.length === 1 : nets.some((name) => name === net)) return;
  const near = net === undefined ? [] : nearNames(net, nets);
  const rest = fold === undefined || Number.isNaN(fold) ? "" : ` --fold ${fold}`;
  throw new CellhueError(
    net === undefined
      ? "the run has several nets, and --net names none of them"
      : `the run has no net '${visible(net, 40)}'`,
    {
      where: run.root,
      found: `nets: ${nets.join(", ")}`,
      remedy: (near.length > 0 ? near : nets).map((name) => `--net ${name}${rest}`),
    },
  );
}

function requireFinalNet(run: RunFolder, net: string | undefined, final: NetName): void {
  if (net === undefined || net === final) return;
  throw new CellhueError(`the final model is not of the net ${net}`, {
    where: run.root,
    found: `${final}, the best in the cross-validation`,
    remedy: ["leave --net out", `or choose a fold: --net ${net} --fold 0`],
  });
}

/** Names of folds that an error lists. */
const most = 10;

function requireFold(run: RunFolder, splits: readonly RunSplit[], fold: number): void {
  if (splits[fold] !== undefined) return;
  const shown = splits.slice(0, most).map(({ name }, k) => `${k} (${visible(name, 40)})`);
  throw new CellhueError(Number.isNaN(fold) ? "--fold is not a number" : `the run has no fold ${fold}`, {
    where: run.root,
    found: `folds ${shown.join(", ")}${splits.length > most ? `, … ${splits.length - 1}` : ""}`,
    remedy: "--fold 0; without --fold it is the final model",
  });
}

/** A file that is there is replaced only where it is a model, and the run's own one by no fold's. */
async function requireFree(out: string, run: RunFolder, fold: number | undefined): Promise<void> {
  const real = async (path: string) => {
    const folder = await realpath(dirname(resolve(path))).catch(() => dirname(resolve(path)));
    return realpath(path).catch(() => join(folder, basename(path)));
  };
  if (fold !== undefined && (await real(out)) === (await real(run.path("model_final.onnx"))))
    throw new CellhueError("--out is the final model of the run", {
      where: out,
      expected: "a file of its own for the model of a fold",
      remedy: "--out NAME.onnx",
    });
  const there = await stat(out).catch(() => null);
  if (there === null) return;
  if (there.isDirectory())
    throw new CellhueError("--out is a folder", {
      where: out,
      expected: "a file",
      remedy: `--out ${shellWord(join(out, "model.onnx"))}`,
    });
  await readModelMetadata(out).catch((cause: unknown) => {
    throw new CellhueError("the file to write exists, and is no model of cellhue", {
      where: out,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "a new file, or a model file, which is replaced",
      remedy: ["give another name to --out", "or remove the file first"],
      cause,
    });
  });
}

/** One line for a terminal. */
export function formatExport({ net, fold, model, bytes }: Exported): string {
  const which =
    fold === null ? `the final ${net}` : `${net}, fold ${fold.number} (${visible(fold.name, 60)})`;
  return `${which}: ${model} (${(bytes / 1e6).toFixed(1)} MB)`;
}
