/**
 * Labels as folder names: safe on Linux, macOS and Windows, and distinct there. A label that is a fine name keeps it;
 * any other gets a readable stem and a hash of the label, so that the name depends on nothing but the labels.
 */
import { createHash } from "node:crypto";

/** Longest name kept, in UTF-8 bytes: file systems take 255, and Windows counts the whole path. */
const maxBytes = 100;
/** Longest readable part of a name that was made. */
const maxStem = 48;

/** Letters, marks and digits of any script, and the signs that no shell, URL or file system minds much. */
const allowed = /^[\p{L}\p{M}\p{N} _\-+.,()[\]=@&]+$/u;
/** Names that Windows keeps for devices, with any extension. */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;

/** Whether a label can serve as a folder name as it is. */
function isSafe(label: string): boolean {
  return (
    allowed.test(label) &&
    !/^[ .-]|[ .]$/.test(label) &&
    !reserved.test(label) &&
    label === label.normalize("NFC") &&
    Buffer.byteLength(label) <= maxBytes
  );
}

/** Two names with one key may be one file on a file system that ignores case or the composition of letters. */
const key = (name: string) => name.normalize("NFKD").toLowerCase().toUpperCase().normalize("NFKD");

function made(label: string): string {
  let stem = "";
  const readable = label.normalize("NFC").replace(/[^\p{L}\p{M}\p{N}_\-+()]+/gu, "_");
  for (const character of readable.replace(/^[_-]+/, "")) {
    if (Buffer.byteLength(stem + character) > maxStem) break;
    stem += character;
  }
  // UTF-16 code units, since a label out of a file may hold half a surrogate pair, which UTF-8 cannot tell apart.
  const hash = createHash("sha256").update(Buffer.from(label, "utf16le")).digest("hex").slice(0, 12);
  return `${stem.replace(/_+$/, "") || "label"}-${hash}`.normalize("NFC");
}

/**
 * Folder names for labels, in the same order.
 * @param labels distinct strings, anything at all
 * @throws RangeError where a label comes twice
 */
export function safeNames(labels: readonly string[]): string[] {
  if (new Set(labels).size !== labels.length) throw new RangeError("safeNames: a label comes twice");
  const names = labels.map((label) => (isSafe(label) ? label : made(label)));
  // All that share a key give up their own name, so that the result does not depend on the order. A round may bring a
  // made name onto a kept one; each round takes at least one kept name away, so this ends.
  for (;;) {
    const count = new Map<string, number>();
    for (const name of names) count.set(key(name), (count.get(key(name)) ?? 0) + 1);
    const clash = names.map((name) => (count.get(key(name)) ?? 0) > 1);
    let changed = false;
    labels.forEach((label, i) => {
      if (clash[i] && names[i] === label) {
        names[i] = made(label);
        changed = true;
      }
    });
    if (!changed) return names;
  }
}
