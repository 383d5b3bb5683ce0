/**
 * What a file may unpack to, so that a claim (a shape of 2^60) or a bomb (zip, gzip, chunks) costs neither memory nor
 * time. Memory follows the bytes that are there: deflate shrinks by 1,032 at most, real matrices by far less.
 */
import { CellhueError } from "../errors.js";

/** Whatever a file is like, this much may be unpacked at once: 256 MiB. */
export const SMALL = 2 ** 28;
/** Beyond SMALL: unpacked bytes for each byte of the file. */
export const MOST_RATIO = 2000;
/** Entries of a matrix: what a typed array of this runtime can hold. */
export const MOST_ENTRIES = 2 ** 32;

/**
 * @param bytes what is about to be held
 * @param fileBytes what the file has
 * @throws CellhueError where the one cannot come from the other
 */
export function requirePlausible(bytes: number, fileBytes: number, what: string, where: string): void {
  if (bytes <= SMALL || bytes <= MOST_RATIO * fileBytes) return;
  throw new CellhueError(`${what} claims more than the file can hold`, {
    where,
    found: `${bytes} bytes unpacked, from a file of ${fileBytes} bytes`,
    expected: `at most ${MOST_RATIO} times the file`,
    remedy: "the file is damaged, or made to fill the memory: write it again with the tool that made it",
  });
}

/** Makes an array for `items` entries. @throws CellhueError where memory does not suffice */
export function allocate<T>(items: number, what: string, where: string, make: (n: number) => T): T {
  try {
    return make(items);
  } catch (cause) {
    throw new CellhueError(`${what} does not fit into memory`, {
      where,
      found: `${items} entries`,
      expected: "at most about 4 billion entries, and memory for them",
      remedy: "keep fewer samples or genes (e.g. the highly variable ones)",
      cause,
    });
  }
}
