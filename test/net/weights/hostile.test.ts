/** Hostile and broken weight files: nothing runs, nothing large is allocated, every refusal is a CellhueError. */
import { existsSync } from "node:fs";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CellhueError } from "../../../src/errors.js";
import { readStateDict } from "../../../src/net/weights/read.js";
import { readSafetensors } from "../../../src/net/weights/safetensors.js";
import { RandomState } from "../../../src/random.js";
import { fixture, refusal } from "./fixtures.js";

const text = (...parts: (string | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => (typeof p === "string" ? [...Buffer.from(p, "latin1")] : p)));
const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
/** BINUNICODE */
const str = (s: string): string => `X${String.fromCharCode(...u32(s.length))}${s}`;
/** LONG1 of 8 bytes */
const big = (n: bigint): string =>
  `\x8a\x08${String.fromCharCode(...new Uint8Array(BigInt64Array.of(n).buffer))}`;

/** A torch zip archive around a pickle (without PROTO and STOP) and its storages. */
function archive(pickle: string, storages: Record<string, Uint8Array> = {}): Uint8Array {
  const files = Object.entries(storages).map(([key, bytes]) => [`a/data/${key}`, bytes]);
  return zipSync({ "a/data.pkl": text("\x80\x02", pickle, "."), ...Object.fromEntries(files) }, { level: 0 });
}

/** {"x": a tensor} as torch pickles it, its numbers given as pickle code. */
function tensorPickle(o: {
  numel?: string;
  offset?: string;
  dims: string[];
  strides: string[];
  type?: string;
}): string {
  const pid = `(${str("storage")}c${o.type ?? "torch\nFloatStorage"}\n${str("0")}${str("cpu")}${o.numel ?? "K\x04"}tQ`;
  const tuple = (items: string[]) => `(${items.join("")}t`;
  const od = "ccollections\nOrderedDict\n)R";
  return `}${str("x")}ctorch._utils\n_rebuild_tensor_v2\n(${pid}${o.offset ?? "K\x00"}${tuple(o.dims)}${tuple(o.strides)}\x89${od}tRs`;
}
const four = { "0": new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer) };

describe("pickles that would run code", () => {
  it.each([
    ["evil_system", "posix.system"],
    ["evil_eval", "__builtin__.eval"],
  ])("%s: refused by its name in every format, nothing is run", async (name, global) => {
    for (const kind of ["zip.pth", "legacy.pth", "protocol4.pth"]) {
      const error = await refusal(() => readStateDict(fixture(`${name}.${kind}`), "x.pth"));
      expect(error.message).toMatch(/would run code/);
      expect(error.parts.found).toContain(
        kind === "protocol4.pth" ? global.replace("__builtin__", "builtins") : global,
      );
      expect(error.parts.where).toBe("x.pth");
    }
    expect(existsSync("/tmp/cellhue-was-run")).toBe(false);
  });

  it("refuses a pickle within a pickle, a whole module, TorchScript and a plain pickle", async () => {
    const found = async (name: string) => (await refusal(() => readStateDict(fixture(name), "x"))).describe();
    expect(await found("evil_nested.zip.pth")).toContain("torch.storage._load_from_bytes");
    expect(await found("whole_module.zip.pth")).toContain("torch.nn.modules.linear.Linear");
    expect(await found("script.pt")).toMatch(/TorchScript/);
    expect(await found("plain.pkl")).toMatch(/torch.save did not write/);
  });

  it("keeps control characters of a name away from the terminal", async () => {
    const error = await refusal(() => readStateDict(archive("cos\x1b[2J\nsys\x9btem\n)R"), "x"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(error.describe()).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(error.describe()).toContain("os\\u001b[2J");
  });

  it.each([
    ["INST", "(ios\nsystem\n"],
    ["OBJ", "(cos\nsystem\no"],
    ["EXT1", "\x82\x01"],
    ["PERSID", "Pfoo\n"],
    ["NEWOBJ", "ccollections\nOrderedDict\n)\x81"],
    ["a call of a storage type", "ctorch\nFloatStorage\n)R"],
    ["a call of a string", `${str("x")})R`],
    ["attributes of a tensor's list", "]}b"],
  ])("refuses %s", async (_, pickle) => {
    expect((await refusal(() => readStateDict(archive(pickle), "x"))).parts.found).toMatchSnapshot();
  });
});

describe("torch files that do not hold what they claim", () => {
  it("the hand-made archive is read when it is right", () => {
    const ok = archive(tensorPickle({ dims: ["K\x02", "K\x02"], strides: ["K\x01", "K\x02"] }), four);
    expect(readStateDict(ok, "x").get("x")).toEqual({ dims: [2, 2], data: Float32Array.of(1, 3, 2, 4) });
  });

  const huge = big(2n ** 60n);
  it.each([
    ["a shape of 2^60", { dims: [huge], strides: ["K\x01"] }],
    [
      "a shape of 2^60 by 2^60 elements that all are one",
      { dims: [huge, huge], strides: ["K\x00", "K\x00"] },
    ],
    [
      "100 million elements that all are one",
      { dims: [`J${String.fromCharCode(...u32(100_000_000))}`], strides: ["K\x00"] },
    ],
    ["a storage of 2^60", { numel: huge, dims: ["K\x04"], strides: ["K\x01"] }],
    ["an offset behind the end", { offset: "K\x01", dims: ["K\x04"], strides: ["K\x01"] }],
    ["a stride behind the end", { dims: ["K\x02", "K\x02"], strides: ["K\x03", "K\x01"] }],
    ["a negative stride", { dims: ["K\x02"], strides: ["J\xff\xff\xff\xff"] }],
    ["a negative size", { dims: ["J\xff\xff\xff\xff"], strides: ["K\x01"] }],
    ["a negative offset", { offset: "J\xff\xff\xff\xff", dims: ["K\x02"], strides: ["K\x01"] }],
    ["fewer strides than dimensions", { dims: ["K\x02", "K\x02"], strides: ["K\x01"] }],
    ["65 dimensions", { dims: Array(65).fill("K\x01"), strides: Array(65).fill("K\x01") }],
    ["a fractional size", { dims: ["G\x3f\xf8\x00\x00\x00\x00\x00\x00"], strides: ["K\x01"] }],
    [
      "a longer element type than the storage holds",
      { type: "torch\nDoubleStorage", dims: ["K\x04"], strides: ["K\x01"] },
    ],
  ])("refuses %s", async (_, tensor) => {
    const start = process.memoryUsage().arrayBuffers;
    const error = await refusal(() => readStateDict(archive(tensorPickle(tensor), four), "x"));
    expect(error.parts.found).toMatchSnapshot();
    expect(process.memoryUsage().arrayBuffers - start).toBeLessThan(64e6);
  });

  it.each([
    ["a missing storage", () => archive(tensorPickle({ dims: ["K\x04"], strides: ["K\x01"] }))],
    ["a type that is not read", () => fixture("complex.zip.pth")],
    ["a list", () => fixture("list.zip.pth")],
    ["an archive without data.pkl", () => zipSync({ "a.txt": strToU8("x") })],
    ["an endless stack", () => archive("}".repeat(1_100_000))],
    ["marks without end", () => archive("(".repeat(5000))],
    ["a string of 4 GB", () => archive("X\xff\xff\xff\xffx")],
    ["an integer of 2 GB", () => archive("\x8b\xff\xff\xff\x7fx")],
    ["a reference to nothing", () => archive("h\x07")],
    ["a pop of nothing", () => archive("0")],
    ["checkpoints in checkpoints", () => archive(`${`}${str("model")}`.repeat(9)}}${"s".repeat(9)}`)],
    ["a dict that holds itself", () => archive(`}q\x00${str("model")}h\x00s`)],
  ])("refuses %s", async (_, make) => {
    expect((await refusal(() => readStateDict(make(), "x"))).parts.found).toMatchSnapshot();
  });

  it("refuses a deflated entry that claims more than deflate can hold, and entries that overlap", async () => {
    const bomb = zipSync({ "a/data.pkl": new Uint8Array(1000) }, { level: 9 });
    const view = new DataView(bomb.buffer);
    for (let at = 0; at < bomb.length - 4; at++) {
      const sign = view.getUint32(at, true);
      if (sign === 0x02014b50) view.setUint32(at + 24, 2_000_000_000, true);
    }
    expect((await refusal(() => readStateDict(bomb, "x"))).parts.found).toMatch(/claims more bytes/);
    const entries = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`a/data/${i}`, new Uint8Array(1000)]),
    );
    const overlap = zipSync(entries, { level: 0 });
    const o = new DataView(overlap.buffer);
    for (let at = 0; at < overlap.length - 4; at++) {
      if (o.getUint32(at, true) !== 0x02014b50) continue;
      o.setUint32(at + 20, 40_000, true);
      o.setUint32(at + 24, 40_000, true);
    }
    expect((await refusal(() => readStateDict(overlap, "x"))).parts.found).toMatch(/claims more bytes/);
  });
});

describe("safetensors that do not hold what they claim", () => {
  const file = (header: string, data = 16, length = header.length): Uint8Array =>
    text([...new Uint8Array(BigUint64Array.of(BigInt(length)).buffer)], header, Array(data).fill(0));
  const entry = (shape: string, offsets: string, dtype = "F32") =>
    `{"x":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;

  it("the hand-made file is read when it is right", () => {
    expect(readSafetensors(file(entry("[2,2]", "[0,16]")), "x").tensors.get("x")?.dims).toEqual([2, 2]);
  });

  it.each([
    ["a header longer than the file", file("{}", 0, 1000)],
    ["a header of 2^60 bytes", text([0, 0, 0, 0, 0, 0, 0, 16], "{}")],
    ["a header that is no JSON", file("{x}", 0)],
    ["a header that is not UTF-8", file('{"\xff":1}', 0)],
    ["a shape of 2^60", file(entry("[1152921504606846976]", "[0,16]"))],
    ["a shape whose product is beyond numbers", file(entry(`[${Array(40).fill(2 ** 52)},0]`, "[0,16]"))],
    ["offsets behind the end", file(entry("[2,4]", "[0,32]"))],
    ["offsets in the wrong order", file(entry("[2,2]", "[16,0]"))],
    ["a hole", file(entry("[2]", "[8,16]"))],
    ["bytes left over", file(entry("[2]", "[0,8]"))],
    [
      "an overlap",
      file(
        '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
      ),
    ],
    ["a negative size", file(entry("[-2,-2]", "[0,16]"))],
    ["a type that is not read", fixture("float8.safetensors")],
    ["an entry that is no object", file('{"x":null}', 0)],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}', 0)],
  ])("refuses %s", async (_, bytes) => {
    expect((await refusal(() => readStateDict(bytes, "x"))).parts.found).toMatchSnapshot();
  });
});

describe("every cut and many mutations of real files", () => {
  const names = [
    "module.zip.pth",
    "module.legacy.pth",
    "wrapped.legacy.pth",
    "strided.zip.pth",
    "dtypes.safetensors",
  ];

  it.each(names)("%s cut short anywhere is refused", (name) => {
    const whole = fixture(name);
    // The end of a zip archive is its directory: a cut anywhere loses it. A legacy file may end in an empty storage.
    for (let length = 0; length < whole.length; length += name.endsWith("zip.pth") ? 7 : 1) {
      expect(() => readStateDict(whole.slice(0, length), "x"), `${length} bytes`).toThrow(CellhueError);
    }
  });

  it.each(names)("%s with bytes changed is read or refused, never worse", (name) => {
    const whole = fixture(name);
    const random = new RandomState(42);
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const bytes = whole.slice();
      const changes = 1 + random.interval(3);
      // Half of them near the start, where headers are.
      const reach = round % 2 === 0 ? bytes.length : Math.min(bytes.length, 900);
      for (let i = 0; i < changes; i++) bytes[random.interval(reach - 1)] = random.interval(255);
      try {
        for (const { dims, data } of readStateDict(bytes, "x").values()) {
          expect(data.length).toBe(dims.reduce((n, d) => n * d, 1));
        }
      } catch (error) {
        if (!(error instanceof CellhueError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(30);
  });
});
