/**
 * Download of one weight file from the Hugging Face hub into the cache: streamed to a temporary name, its SHA-256
 * compared with the one that the hub's LFS record gives, renamed when right. HF_ENDPOINT and HF_TOKEN are honoured.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CellhueError, InterruptedError, throwIfAborted } from "../../errors.js";
import type { Progress } from "../../progress.js";
import { MAX_WEIGHTS_BYTES, type Receipt, reason } from "./cache.js";

/** The hub cannot be asked, or its answer broke off; whoever asked knows the ways out. */
export class HubUnreachable extends Error {}

export interface HubOptions {
  progress?: Progress;
  signal?: AbortSignal;
  /** How long to wait for an answer to begin, ms. */
  answerMs?: number;
  /** How long to wait for the next bytes of a transfer, ms. */
  stallMs?: number;
}

export const hubUrl = (): string => (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");

/** Temporary files older than this belong to a process that was killed, ms. */
const ABANDONED_MS = 24 * 3600 * 1000;

async function removeAbandoned(target: string): Promise<void> {
  const folder = dirname(target);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(target)}.`) || !name.endsWith(".partial")) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

function withTimeout<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/**
 * Downloads `file` of the hub's model `repo` to the path `target` and writes the receipt `<target>.json` beside it.
 * Whatever goes wrong, `target` is either the whole right file or what it was before.
 * @throws HubUnreachable where the hub does not answer, refuses, or the transfer breaks off
 * @throws CellhueError for a file with another digest than the hub's, or a cache that cannot be written
 */
export async function downloadFromHub(
  repo: string,
  file: string,
  target: string,
  options: HubOptions = {},
): Promise<Receipt> {
  const { progress, signal, answerMs = 10_000, stallMs = 30_000 } = options;
  throwIfAborted(signal);
  const hub = await import("@huggingface/hub");
  const stop = new AbortController();
  const stopped = AbortSignal.any(signal === undefined ? [stop.signal] : [stop.signal, signal]);
  const timedFetch: typeof fetch = (input, init) =>
    withTimeout(fetch(input, { ...init, signal: stopped }), answerMs, "no answer");
  const accessToken = process.env.HF_TOKEN || undefined;
  if (accessToken !== undefined && !accessToken.startsWith("hf_")) {
    throw new CellhueError("HF_TOKEN is no token of the hub", {
      where: "environment variable HF_TOKEN",
      expected: "a token that begins with hf_",
      remedy: "unset HF_TOKEN; these weights need none",
    });
  }
  const common = {
    repo: { type: "model" as const, name: repo },
    hubUrl: hubUrl(),
    accessToken,
    fetch: timedFetch,
  };
  const unreachable = (error: unknown): Error =>
    signal?.aborted ? new InterruptedError() : new HubUnreachable(reason(error), { cause: error });

  try {
    const ask = async () => {
      const [info] = await hub.pathsInfo({ ...common, paths: [file], expand: true });
      const expected = info?.lfs?.oid.replace(/^sha256:/, "");
      const size = info?.lfs?.size;
      if (expected === undefined || !/^[0-9a-f]{64}$/.test(expected) || !Number.isSafeInteger(size)) {
        throw new Error(`the hub gives no SHA-256 for ${file} of ${repo}`);
      }
      // The commit that wrote the file: what is downloaded is then what the digest was asked for.
      const revision = info.lastCommit?.id ?? "main";
      // Over plain HTTP, which proxies and mirrors serve as well.
      const blob = await hub.downloadFile({ ...common, path: file, revision, xet: false });
      if (blob === null) throw new Error(`the hub has no ${file} in ${repo}`);
      return { expected, size: size as number, revision, blob };
    };
    const { expected, size, revision, blob } = await ask().catch((error) => {
      throw unreachable(error);
    });
    if (size > MAX_WEIGHTS_BYTES) {
      throw new CellhueError("the hub's file is too large for the weights of one network", {
        where: `${repo}/${file}`,
        found: `${size} bytes`,
      });
    }

    const temporary = `${target}.${randomUUID()}.partial`;
    const task = progress?.task(`download ${repo}`, size);
    try {
      await mkdir(dirname(target), { recursive: true });
      await removeAbandoned(target);
      const handle = await open(temporary, "wx");
      const hash = createHash("sha256");
      let done = 0;
      try {
        const reader = blob.stream().getReader();
        for (;;) {
          const next = await withTimeout(reader.read(), stallMs, "no more bytes").catch((error) => {
            throw unreachable(`the download broke off after ${done} of ${size} bytes: ${reason(error)}`);
          });
          throwIfAborted(signal);
          if (next.done) break;
          done += next.value.length;
          if (done > size) throw unreachable(`more than the ${size} bytes that the hub announced`);
          hash.update(next.value);
          await handle.writeFile(next.value);
          task?.update(done, `${(done / 1e6).toFixed(1)} of ${(size / 1e6).toFixed(1)} MB`);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (done < size) throw unreachable(`the download broke off after ${done} of ${size} bytes`);
      const digest = hash.digest("hex");
      if (digest !== expected) {
        throw new CellhueError(
          "the downloaded weights are not what the hub says they are; nothing was kept",
          {
            where: `${hubUrl()}/${repo}/${file}`,
            found: `SHA-256 ${digest}`,
            expected: `SHA-256 ${expected}`,
            remedy: "run again; if it stays so, a proxy or mirror alters the file: use --weights FILE",
          },
        );
      }
      const receipt: Receipt = { repo, revision, file, sha256: digest };
      const receiptTemporary = `${temporary}.json.partial`;
      await writeFile(receiptTemporary, `${JSON.stringify(receipt, null, 2)}\n`);
      await rename(receiptTemporary, `${target}.json`);
      await rename(temporary, target);
      return receipt;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (error instanceof CellhueError || error instanceof HubUnreachable) throw error;
      throw new CellhueError("cannot write the downloaded weights to the cache", {
        where: dirname(target),
        found: reason(error),
        remedy: "free space there, or set CELLHUE_CACHE to a folder that can be written",
        cause: error,
      });
    } finally {
      task?.end();
    }
  } finally {
    // Ends whatever is still open, so that no connection keeps the process alive.
    stop.abort();
  }
}
