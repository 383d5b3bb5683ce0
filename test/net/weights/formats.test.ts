/** Values out of safetensors and torch files equal torch's and safetensors' own (test/oracles/weights.py). */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, unzipSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import type { Tensors } from "../../../src/net/tensors.js";
import { halfToNumber } from "../../../src/net/weights/dtypes.js";
import { readPth } from "../../../src/net/weights/pth.js";
import { readStateDict } from "../../../src/net/weights/read.js";
import { readSafetensors, writeSafetensors } from "../../../src/net/weights/safetensors.js";
import { expectValues, fixture, oracle, refusal } from "./fixtures.js";

describe("torch state dicts", () => {
  for (const format of ["zip", "legacy"]) {
    it.each([
      ["dtypes", "float64/32/16, bfloat16, int64…8, uint8, bool, scalar, empty"],
      ["strided", "transposed, sliced, permuted, channels-last, expanded views of shared storages"],
      ["module", "a module's OrderedDict with _metadata, batch counters and a tied weight"],
      ["parameters", "nn.Parameter"],
      ["wrapped", "a checkpoint {epoch, state_dict, optimizer}"],
    ])(`${format}: %s (%s)`, (name) => {
      expectValues(readPth(fixture(`${name}.${format}.pth`), name), name);
    });
  }

  it.each([3, 4, 5])("pickle protocol %i", (protocol) => {
    expectValues(readPth(fixture(`module.protocol${protocol}.pth`), "x"), "module");
  });

  it("keeps the order of the state dict", () => {
    const names = Object.keys(oracle.values.module);
    expect([...readPth(fixture("module.zip.pth"), "x").keys()]).toEqual(names);
    expect([...readPth(fixture("module.legacy.pth"), "x").keys()]).toEqual(names);
  });

  it("reads an archive that was zipped again with deflate", () => {
    const again = zipSync(unzipSync(fixture("module.zip.pth")), { level: 6 });
    expectValues(readPth(again, "x"), "module");
  });

  it("refuses big-endian files in both formats", async () => {
    const files = unzipSync(fixture("module.zip.pth"));
    const order = Object.keys(files).find((name) => name.endsWith("byteorder")) as string;
    expect(new TextDecoder().decode(files[order])).toBe("little");
    files[order] = strToU8("big");
    expect((await refusal(() => readPth(zipSync(files), "x"))).message).toMatch(/big-endian/);
    const legacy = fixture("module.legacy.pth");
    const at = Buffer.from(legacy).indexOf("little_endian") + "little_endian".length;
    const flag = legacy.indexOf(0x88, at);
    expect(flag - at).toBeLessThan(4);
    legacy[flag] = 0x89;
    expect((await refusal(() => readPth(legacy, "x"))).message).toMatch(/big-endian/);
  });
});

describe("safetensors", () => {
  it("reads every type that Python writes, and its metadata", () => {
    const { tensors, metadata } = readSafetensors(fixture("dtypes.safetensors"), "x");
    expectValues(tensors, "safetensors");
    expect(metadata).toEqual({ format: "pt", über: 'a"b' });
  });

  const own: Tensors = new Map([
    ["0", { dims: [2], data: Float32Array.of(1.5, -2) }],
    ["a.weight", { dims: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) }],
    ['b "quoted" ü', { dims: [], data: Float32Array.of(0.25) }],
    ["c", { dims: [0, 3], data: new Float32Array(0) }],
  ]);

  it("writes the very bytes that Python writes", () => {
    expect(writeSafetensors(own, { a: "1" })).toEqual(fixture("written.safetensors"));
  });

  it("keeps the given order and survives a round trip, names that JavaScript treats apart included", () => {
    const odd: Tensors = new Map([["z", own.get("0")!], ["__proto__", own.get("a.weight")!], ...own]);
    const { tensors, metadata } = readSafetensors(writeSafetensors(odd, { b: "2" }), "x");
    expect(new Map([...tensors].sort())).toEqual(new Map([...odd].sort()));
    expect(metadata.b).toBe("2");
    const header = new TextDecoder().decode(writeSafetensors(odd).subarray(8, 200));
    expect(header.indexOf('"z"')).toBeLessThan(header.indexOf('"0"'));
    expect(writeSafetensors(new Map())).toHaveLength(16);
    expect(readSafetensors(writeSafetensors(new Map()), "x").tensors.size).toBe(0);
  });

  it("reads bytes at any offset of a larger buffer", () => {
    const bytes = fixture("written.safetensors");
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(readSafetensors(shifted.subarray(3), "x").tensors).toEqual(own);
    const pth = fixture("module.legacy.pth");
    const more = new Uint8Array(pth.length + 5);
    more.set(pth, 5);
    expectValues(readPth(more.subarray(5), "x"), "module");
  });

  const python = new URL("../../../bench/peers/.venv/bin/python", import.meta.url).pathname;
  it.skipIf(!existsSync(python))("is loaded by Python's safetensors (skipped without the peers)", () => {
    const folder = mkdtempSync(join(tmpdir(), "cellhue-"));
    try {
      const path = join(folder, "x.safetensors");
      writeFileSync(path, writeSafetensors(own, { z: "1", a: "é" }));
      const script =
        "import sys,json,safetensors as s,safetensors.numpy as n; d=n.load_file(sys.argv[1]); " +
        "f=s.safe_open(sys.argv[1],'np'); print(json.dumps([f.metadata(),{k:[list(v.shape),v.ravel().tolist()] for k,v in d.items()}]))";
      const [metadata, loaded] = JSON.parse(execFileSync(python, ["-c", script, path], { encoding: "utf8" }));
      expect(metadata).toEqual({ z: "1", a: "é" });
      for (const [name, { dims, data }] of own) expect(loaded[name]).toEqual([dims, [...data]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("formats by content", () => {
  it("tells safetensors and both torch formats apart", () => {
    expectValues(readStateDict(fixture("module.legacy.pth"), "x"), "module");
    expectValues(readStateDict(fixture("module.zip.pth"), "x"), "module");
    expectValues(readStateDict(fixture("dtypes.safetensors"), "x"), "safetensors");
  });

  it.each([
    ["", /empty file/],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:00", /Git LFS pointer/],
    ["<!DOCTYPE html><html>", /web page/],
    ["\x89HDF\r\n\x1a\n", /HDF5/],
    ["\x1f\x8b\x08", /gzip/],
    ["weights, honestly", /unknown format/],
  ])("names what is no weights: %j", async (text, found) => {
    const error = await refusal(() => readStateDict(Uint8Array.from(Buffer.from(text, "latin1")), "x"));
    expect(error.parts.found).toMatch(found);
  });
});

it("halves: all 65,536 patterns agree with their definition", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
    const expected = exponent < 31 ? size : fraction === 0 ? Infinity : Number.NaN;
    expect(Object.is(halfToNumber(bits), bits < 32768 ? expected : -expected)).toBe(true);
  }
});
