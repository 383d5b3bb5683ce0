/**
 * Mutations of real files. Every one is a function of the random state, so a case is named by its seed and number.
 * Bytes: bits, bytes, integers replaced by what claims are made of, spans cut, doubled, moved and put in; at the head more
 * often than not. JSON: values exchanged in a tree that stays JSON. Archives: what is inside, wrapped again.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { unzipSync, zipSync } from "fflate";

/** Integers that claims are made of: nothing, one, the ends of the widths, 2^60, −1. */
const INTEGERS = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 60n,
  2n ** 64n - 1n,
];
const TEXT = [
  "\t",
  ",",
  '"',
  "\n",
  "1e999",
  "-",
  "9".repeat(20),
  "1152921504606846976",
  "#",
  "\0",
  "é",
  "\u202e",
  "=1+1",
];
const HEADER = ["1152921504606846976", "-1", "null", "[]", '"', "/../..", "}", "{"];
const VALUES = [
  null,
  true,
  0,
  -1,
  0.5,
  2 ** 31,
  2 ** 60,
  1e308,
  "",
  "../../../../tmp/cellhue-outside",
  "/etc/passwd",
  "__proto__",
  "<script>alert(1)</script>",
  "x".repeat(10_000),
  [],
  [[]],
  {},
  Array(2000).fill(0),
];

const pick = (random, n) => random.interval(Math.max(0, n - 1));

/** One to four changes of bytes. @param text whether the words put in are those of a table rather than of a header */
export function mutateBytes(data, random, text) {
  let out = Buffer.from(data);
  const place = () => pick(random, pick(random, 2) === 0 ? Math.min(2048, out.length) : out.length);
  for (let changes = 1 + pick(random, 4); changes > 0; changes--) {
    const at = place();
    const span = out.subarray(at, at + 1 + pick(random, 64));
    switch (pick(random, 10)) {
      case 0:
        if (at < out.length) out[at] ^= 1 << pick(random, 8);
        break;
      case 1:
        if (at < out.length) out[at] = pick(random, 256);
        break;
      case 2:
        if (at + 4 <= out.length)
          out.writeUInt32LE(Number(BigInt.asUintN(32, INTEGERS[pick(random, INTEGERS.length)])), at);
        break;
      case 3:
        if (at + 8 <= out.length)
          out.writeBigUInt64LE(BigInt.asUintN(64, INTEGERS[pick(random, INTEGERS.length)]), at);
        break;
      case 4: {
        // two neighbouring numbers change places: lengths that belong to others
        const width = [1, 2, 4, 8][pick(random, 4)];
        if (at + 2 * width > out.length) break;
        const first = Buffer.from(out.subarray(at, at + width));
        out.copyWithin(at, at + width, at + 2 * width);
        first.copy(out, at + width);
        break;
      }
      case 5:
        out.fill(pick(random, 2) === 0 ? 0xff : 0, at, at + span.length);
        break;
      case 6:
        out =
          pick(random, 2) === 0
            ? out.subarray(0, at)
            : Buffer.concat([out.subarray(0, at), out.subarray(at + span.length)]);
        break;
      case 7: {
        const to = place();
        out = Buffer.concat([out.subarray(0, to), span, out.subarray(to)]);
        break;
      }
      default: {
        const words = text ? TEXT : HEADER;
        const word = Buffer.from(words[pick(random, words.length)]);
        const behind = pick(random, 2) === 0 ? at : at + word.length;
        out = Buffer.concat([out.subarray(0, at), word, out.subarray(behind)]);
      }
    }
  }
  return out;
}

/** One to three values of a JSON text exchanged, dropped, doubled or nested; the text as it is where it is no JSON. */
export function mutateJson(data, random) {
  let root;
  try {
    root = JSON.parse(data.toString("utf8"));
  } catch {
    return mutateBytes(data, random, false);
  }
  for (let changes = 1 + pick(random, 3); changes > 0; changes--) {
    // a walk from the root, so that what lies high is hit as often as what lies deep and is many
    let at = { root };
    let key = "root";
    while (typeof at[key] === "object" && at[key] !== null && pick(random, 5) > 0) {
      const keys = Object.keys(at[key]);
      if (keys.length === 0) break;
      at = at[key];
      key = keys[pick(random, keys.length)];
    }
    switch (pick(random, 6)) {
      case 0:
        if (Array.isArray(at)) at.splice(Number(key), 1);
        else delete at[key];
        break;
      case 1:
        if (Array.isArray(at)) at.push(structuredClone(at[key]));
        else at[`${key}_`] = structuredClone(at[key]);
        break;
      case 2:
        at[key] = [at[key]];
        break;
      case 3:
        at[key] = String(at[key]);
        break;
      default:
        at[key] = structuredClone(VALUES[pick(random, VALUES.length)]);
    }
    if ("root" in at && Object.keys(at).length <= 1) root = at.root ?? null;
  }
  return Buffer.from(JSON.stringify(root) ?? "null");
}

/** safetensors: its header's JSON, with a length that fits. */
export function mutateSafetensors(data, random) {
  if (pick(random, 3) === 0) return mutateBytes(data, random, false);
  const length = Number(data.readBigUInt64LE(0));
  const header = mutateJson(data.subarray(8, 8 + length), random);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, data.subarray(8 + length)]);
}

/** Changes a file of any kind, by its name. Case numbers decide between wrapping and content. */
export function mutate(name, data, random, k) {
  if (k % 3 !== 0 && /\.(gz|rds)$/.test(name)) {
    const inner = gunzipSync(data);
    return gzipSync(mutateBytes(inner, random, !name.endsWith(".rds")));
  }
  if (k % 3 !== 0 && /\.(zip|pth|pt)$/.test(name) && data.readUInt16LE(0) === 0x4b50) {
    const entries = unzipSync(data);
    const names = Object.keys(entries).sort();
    const chosen = names[pick(random, names.length)];
    const content = Buffer.from(entries[chosen]);
    const changed = /\.z(array|group|attrs|metadata)$|json$/.test(chosen)
      ? mutateJson(content, random)
      : mutateBytes(content, random, false);
    return Buffer.from(zipSync({ ...entries, [chosen]: new Uint8Array(changed) }, { level: 0 }));
  }
  if (k % 3 !== 0 && name.endsWith(".safetensors")) return mutateSafetensors(data, random);
  if (k % 4 !== 0 && /\.json$|\.z(array|group|attrs|metadata)$/.test(name)) return mutateJson(data, random);
  const isText = /\.(csv|tsv|txt|mtx|gct|gmt|ya?ml)$/.test(name);
  return mutateBytes(data, random, isText);
}
