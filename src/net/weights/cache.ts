/**
 * The folder where downloaded weights are kept. A file there is used only if its bytes still have the SHA-256 that was
 * recorded beside it, or that torchvision put into its name. This is the disk part of `weights/`.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { CellhueError } from "../../errors.js";

/** No weights of the networks here come near this size. */
export const MAX_WEIGHTS_BYTES = 2 ** 30;

/** $CELLHUE_CACHE, or cellhue's folder within the user's cache folder (XDG). */
export function cacheFolder(): string {
  const { CELLHUE_CACHE, XDG_CACHE_HOME } = process.env;
  return CELLHUE_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "cellhue");
}

/** Where torch.hub, and so torchvision, keeps what it has downloaded. */
export function torchFolder(): string {
  const { TORCH_HOME, XDG_CACHE_HOME } = process.env;
  return join(TORCH_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "torch"), "hub", "checkpoints");
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What is recorded beside a downloaded file, as `<file>.json`. */
export interface Receipt {
  repo: string;
  revision: string;
  file: string;
  sha256: string;
}

export interface CachedFile {
  bytes: Uint8Array;
  sha256: string;
  /** The hub's repository and revision; undefined for a file that torchvision names. */
  receipt?: Receipt;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");

/** A short reason out of an error of the file system or the network. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ""
    ? `${error.message} (${error.cause.message})`
    : error.message;
}

/**
 * Reads a file of weights whole.
 * @throws CellhueError where there is none, it is no regular file, too large, or cannot be read
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    const found = info.isDirectory() ? "a folder" : !info.isFile() ? "no regular file" : undefined;
    if (found !== undefined) throw new CellhueError("no file of network weights", { where: path, found });
    if (info.size > MAX_WEIGHTS_BYTES) {
      throw new CellhueError("this file is too large for the weights of one network", {
        where: path,
        found: `${info.size} bytes`,
        expected: `at most ${MAX_WEIGHTS_BYTES} bytes`,
      });
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    throw new CellhueError(isMissing(cause) ? "no such file of weights" : "cannot read the file of weights", {
      where: path,
      found: reason(cause),
      remedy: "check the path and its permissions",
      cause,
    });
  }
}

/**
 * A downloaded file with its receipt.
 * @returns undefined where there is none; a string that says what is wrong with it
 */
export async function readDownloaded(path: string): Promise<CachedFile | string | undefined> {
  let text: string;
  try {
    text = await readFile(`${path}.json`, "utf8");
    await stat(path);
  } catch (error) {
    return isMissing(error) ? undefined : `${path}.json: ${reason(error)}`;
  }
  try {
    const receipt = JSON.parse(text) as Partial<Receipt>;
    const bytes = await readWholeFile(path);
    const digest = sha256(bytes);
    if (digest !== receipt.sha256) return `${path} has another SHA-256 than when it was downloaded`;
    return { bytes, sha256: digest, receipt: receipt as Receipt };
  } catch (error) {
    return `${path}: ${reason(error)}`;
  }
}

/**
 * A file under torchvision's name, whose last eight hex digits are the head of its SHA-256.
 * @returns undefined where there is none; a string that says what is wrong with it
 */
export async function readTorchvisionNamed(path: string): Promise<CachedFile | string | undefined> {
  try {
    await stat(path);
  } catch (error) {
    return isMissing(error) ? undefined : `${path}: ${reason(error)}`;
  }
  try {
    const bytes = await readWholeFile(path);
    const digest = sha256(bytes);
    const wanted = digestInName(path);
    if (wanted === undefined || digest.startsWith(wanted)) return { bytes, sha256: digest };
    return `${path} is not what its name says: its SHA-256 begins with ${digest.slice(0, 8)}`;
  } catch (error) {
    return `${path}: ${reason(error)}`;
  }
}

/** The head of the SHA-256 in a name such as resnet18-f37072fd.pth. */
export const digestInName = (path: string): string | undefined => /-([0-9a-f]{8})\.pth$/.exec(path)?.[1];
