/** Weights from the package, from files, from the caches and from a hub that runs on 127.0.0.1. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { InterruptedError } from "../../../src/errors.js";
import { paramSpecs } from "../../../src/net/nets.js";
import { readTorchvisionNamed } from "../../../src/net/weights/cache.js";
import { downloadFromHub, HubUnreachable } from "../../../src/net/weights/hub.js";
import { initialise } from "../../../src/net/weights/init.js";
import { type LoadOptions, loadWeights } from "../../../src/net/weights/load.js";
import { writeSafetensors } from "../../../src/net/weights/safetensors.js";
import { RandomState } from "../../../src/random.js";
import { oracle, randomTensors, recorder, refusal, smallSpecs, specsOf } from "./fixtures.js";

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const small = randomTensors(smallSpecs);
const smallBytes = writeSafetensors(small);
const RESNET = "timm/resnet18.tv_in1k";
const B0 = "timm/efficientnet_b0.ra_in1k";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

let folder: string;
let options: LoadOptions & { cacheDir: string; progress: ReturnType<typeof recorder> };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cellhue-weights-"));
  options = { random: new RandomState(1), cacheDir: join(folder, "cache"), progress: recorder() };
  vi.stubEnv("TORCH_HOME", join(folder, "torch"));
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HF_HUB_OFFLINE", "");
  // Nothing listens on port 2: no test reaches beyond this machine.
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:2");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const fileOf = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

describe("random and packaged weights", () => {
  it("random: initial values by the seed, nothing else", async () => {
    const loaded = await loadWeights("resnet18", smallSpecs, "random", options);
    expect(loaded).toEqual({
      tensors: initialise(smallSpecs, "resnet18", new RandomState(1)),
      source: "random",
      sha256: null,
      pretrained: false,
      warnings: [],
    });
  });

  it.each([
    ["efficientnet_lite0", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 0],
    ["mobilenet_v2", "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197", 2],
    ["squeezenet1_1", "f7925a7cd1b8dc04b44017cdcbc91edd8e1911eefb43b78fa3b2de7b55f0d2d0", 0],
  ] as const)("pretrained %s needs no network", async (net, digest, absent) => {
    const specs = paramSpecs(net, 1000);
    const loaded = await loadWeights(net, specs, "pretrained", options);
    expect([...loaded.tensors.keys()]).toEqual(
      specs.slice(0, specs.length - absent).map((spec) => spec.name),
    );
    expect(loaded).toMatchObject({
      source: `package:${net}`,
      sha256: digest,
      pretrained: true,
      warnings: [],
    });
  });

  it("stops before it starts once the signal has fired", async () => {
    const signal = AbortSignal.abort();
    await expect(loadWeights("resnet18", smallSpecs, "random", { ...options, signal })).rejects.toThrow(
      InterruptedError,
    );
  });
});

describe("--weights FILE", () => {
  it("whole networks with torchvision's names, by content whatever the name", async () => {
    for (const net of ["resnet18", "efficientnet_b0"] as const) {
      const specs = specsOf(oracle.shapes[net]);
      const tensors = randomTensors(specs);
      const bytes = writeSafetensors(tensors);
      const loaded = await loadWeights(net, specs, { file: await fileOf(`${net}.bin`, bytes) }, options);
      expect(loaded).toMatchObject({
        source: `file:${net}.bin`,
        sha256: sha(bytes),
        pretrained: true,
        warnings: [],
      });
      expect([...loaded.tensors.keys()]).toEqual(specs.map((spec) => spec.name));
      for (const [name, { data }] of tensors) {
        expect(
          Buffer.from(data.buffer).equals(Buffer.from(loaded.tensors.get(name)!.data.buffer)),
          name,
        ).toBe(true);
      }
    }
  });

  it("an untrained file is noticed", async () => {
    const bytes = writeSafetensors(initialise(smallSpecs, "resnet18", new RandomState(3)));
    const loaded = await loadWeights(
      "resnet18",
      smallSpecs,
      { file: await fileOf("resnet18-pretrained.pth", bytes) },
      options,
    );
    expect(loaded.pretrained).toBe(false);
    expect(loaded.warnings).toHaveLength(1);
    expect(loaded.warnings[0]).toMatch(/never trained: all batch-norm weights are 1/);
    expect(options.progress.warnings).toEqual(loaded.warnings);
  });

  it("a head of other classes is left out with a note", async () => {
    const tensors = new Map(small);
    tensors.set("fc.weight", { dims: [3, 4], data: new Float32Array(12) });
    tensors.set("fc.bias", { dims: [3], data: new Float32Array(3) });
    const path = await fileOf("tuned.safetensors", writeSafetensors(tensors));
    const loaded = await loadWeights("resnet18", smallSpecs, { file: path }, options);
    expect(loaded.tensors.has("fc.weight")).toBe(false);
    expect(loaded.pretrained).toBe(true);
    expect(options.progress.notes.join()).toMatch(/3×4, not 1000×4/);
  });

  it("a name in torchvision's way that its bytes belie is a warning", async () => {
    const path = await fileOf("resnet18-f37072fd.pth", smallBytes);
    expect((await loadWeights("resnet18", smallSpecs, { file: path }, options)).warnings.join()).toMatch(
      /not what its name says/,
    );
  });

  it("no such file, a folder, an empty file, another network", async () => {
    const load = (file: string) => refusal(() => loadWeights("resnet18", smallSpecs, { file }, options));
    expect((await load(join(folder, "none.pth"))).message).toMatch(/no such file/);
    expect((await load(folder)).parts.found).toBe("a folder");
    expect((await load("/dev/null")).parts.found).toBe("no regular file");
    expect((await load(await fileOf("empty.pth", new Uint8Array(0)))).parts.found).toBe("an empty file");
    const other = join(folder, "b0.safetensors");
    await writeFile(other, writeSafetensors(randomTensors(specsOf(oracle.shapes.efficientnet_b0))));
    expect((await load(other)).describe()).toMatch(/looks like efficientnet_b0/);
  });
});

describe("the caches", () => {
  it("a file under torchvision's name with other bytes is not used, in either folder", async () => {
    const torch = join(folder, "torch", "hub", "checkpoints");
    for (const place of [options.cacheDir, torch]) {
      await mkdir(place, { recursive: true });
      await writeFile(join(place, "resnet18-f37072fd.pth"), smallBytes);
    }
    const error = await refusal(() => loadWeights("resnet18", smallSpecs, "pretrained", options));
    expect(error.parts.found).toContain(join(options.cacheDir, "resnet18-f37072fd.pth"));
    expect(error.parts.found).toContain(join(torch, "resnet18-f37072fd.pth"));
    expect(error.parts.found).toContain(`begins with ${sha(smallBytes).slice(0, 8)}`);
    expect(options.progress.warnings).toHaveLength(2);
  });

  it("out of reach and nothing cached: within seconds, with three ways out, and nothing is left behind", async () => {
    const start = Date.now();
    const error = await refusal(() => loadWeights("efficientnet_b0", smallSpecs, "pretrained", options));
    expect(Date.now() - start).toBeLessThan(12_000);
    expect(error.message).toMatch(/no pretrained weights for efficientnet_b0.*out of reach/);
    expect(error.parts.found).toMatch(/ECONNREFUSED/);
    const ways = error.parts.remedy as string[];
    expect(ways).toHaveLength(3);
    expect(ways[0]).toMatch(
      /--weights FILE.*https:\/\/download\.pytorch\.org\/models\/efficientnet_b0_rwightman-7f5810bc\.pth/,
    );
    expect(ways[1]).toContain(join(options.cacheDir, "efficientnet_b0_rwightman-7f5810bc.pth"));
    expect(ways[2]).toMatch(/--net efficientnet_lite0.*--weights random/);
    await expect(readdir(options.cacheDir)).rejects.toThrow(/ENOENT/);
  });

  it("a file is used under torchvision's name where its bytes agree with the name", async () => {
    const path = join(folder, `resnet18-${sha(smallBytes).slice(0, 8)}.pth`);
    expect(await readTorchvisionNamed(path)).toBeUndefined();
    await writeFile(path, smallBytes);
    expect(await readTorchvisionNamed(path)).toMatchObject({ sha256: sha(smallBytes) });
    await writeFile(path, smallBytes.slice(1));
    expect(await readTorchvisionNamed(path)).toMatch(/not what its name says/);
  });

  it("HF_HUB_OFFLINE is honoured", async () => {
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const error = await refusal(() => loadWeights("resnet18", smallSpecs, "pretrained", options));
    expect(error.parts.found).toMatch(/HF_HUB_OFFLINE/);
  });
});

describe("the hub", () => {
  type Mode =
    | "right"
    | "wrong digest"
    | "breaks off"
    | "too long"
    | "no lfs"
    | "stalls"
    | "silent"
    | 401
    | 404
    | 500;
  let server: Server;
  let mode: Mode;
  let served: Uint8Array;
  let requests: { url: string; token: string | undefined; range: string | undefined }[];

  const answer: RequestListener = (request, response) => {
    const url = request.url ?? "";
    requests.push({ url, token: request.headers.authorization, range: request.headers.range });
    if (mode === "silent") return;
    if (typeof mode === "number") {
      response.writeHead(mode, { "Content-Type": "application/json" }).end('{"error":"no such thing"}');
      return;
    }
    if (url.startsWith("/api/models/") && request.method === "POST") {
      const digest = mode === "wrong digest" ? "0".repeat(64) : sha(served);
      const lfs = mode === "no lfs" ? undefined : { oid: digest, size: served.length, pointerSize: 134 };
      const info = { type: "file", path: "model.safetensors", oid: "x", size: served.length, lfs };
      const lastCommit = { id: COMMIT, title: "t", date: "2024-01-01T00:00:00.000Z" };
      response
        .writeHead(200, { "Content-Type": "application/json" })
        .end(JSON.stringify([{ ...info, lastCommit }]));
      return;
    }
    const whole = Buffer.from(served);
    if (request.headers.range !== undefined) {
      response
        .writeHead(206, { "Content-Range": `bytes 0-0/${whole.length}`, "Content-Length": 1, ETag: '"e"' })
        .end(whole.subarray(0, 1));
      return;
    }
    const half = whole.subarray(0, whole.length >> 1);
    if (mode === "breaks off") {
      response.writeHead(200, { "Content-Length": whole.length });
      response.write(half, () => response.destroy());
    } else if (mode === "stalls") {
      response.writeHead(200, { "Content-Length": whole.length });
      response.write(half);
    } else if (mode === "too long") {
      response.writeHead(200).end(Buffer.concat([whole, whole]));
    } else {
      response.writeHead(200, { "Content-Length": whole.length }).end(whole);
    }
  };

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    mode = "right";
    served = smallBytes;
    requests = [];
    vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  const load = () => loadWeights("resnet18", smallSpecs, "pretrained", options);
  const inCache = async () => (await readdir(options.cacheDir).catch(() => [] as string[])).sort();

  it("downloads once with progress, checks, records, and then needs no hub", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret");
    const first = await load();
    expect(first).toMatchObject({
      source: `hub:${RESNET}@${COMMIT}`,
      sha256: sha(smallBytes),
      pretrained: true,
    });
    expect([...first.tensors]).toEqual([...small]);
    expect(requests.map((r) => r.url)).toEqual([
      `/api/models/${RESNET}/paths-info/main`,
      `/${RESNET}/resolve/${COMMIT}/model.safetensors`,
      `/${RESNET}/resolve/${COMMIT}/model.safetensors`,
    ]);
    expect(new Set(requests.map((r) => r.token))).toEqual(new Set(["Bearer hf_secret"]));
    expect(options.progress.done.at(-1)).toBe(smallBytes.length);
    expect(options.progress.ended).toBe(1);
    expect(await inCache()).toEqual([
      "timm--resnet18.tv_in1k.safetensors",
      "timm--resnet18.tv_in1k.safetensors.json",
    ]);
    const receipt = await readFile(join(options.cacheDir, "timm--resnet18.tv_in1k.safetensors.json"), "utf8");
    expect(JSON.parse(receipt)).toMatchObject({ repo: RESNET, revision: COMMIT, sha256: sha(smallBytes) });
    expect(receipt).not.toContain("hf_secret");

    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:2");
    const second = await load();
    expect({ ...second, tensors: [...second.tensors] }).toEqual({ ...first, tensors: [...first.tensors] });
  });

  it("timm's EfficientNet-B0 arrives under torchvision's names", async () => {
    const specs = specsOf(oracle.shapes.efficientnet_b0);
    const ours = randomTensors(specs);
    const toTimm = new Map(oracle.timmPairs.map(([timm, torchvision]) => [torchvision, timm]));
    served = writeSafetensors(new Map([...ours].map(([name, t]) => [toTimm.get(name) as string, t])));
    const loaded = await loadWeights("efficientnet_b0", specs, "pretrained", options);
    expect(loaded.source).toBe(`hub:${B0}@${COMMIT}`);
    expect([...loaded.tensors.keys()]).toEqual([...ours.keys()]);
    for (const [name, { data }] of ours) {
      expect(Buffer.from(data.buffer).equals(Buffer.from(loaded.tensors.get(name)!.data.buffer)), name).toBe(
        true,
      );
    }
  });

  it("a cached file that was changed is fetched anew, with a warning", async () => {
    await load();
    const path = join(options.cacheDir, "timm--resnet18.tv_in1k.safetensors");
    const bytes = await readFile(path);
    bytes[bytes.length - 1] ^= 1;
    await writeFile(path, bytes);
    expect([...(await load()).tensors]).toEqual([...small]);
    expect(options.progress.warnings.join()).toMatch(/another SHA-256/);
    expect(await readFile(path)).toEqual(Buffer.from(smallBytes));
    await writeFile(path, bytes);
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:2");
    expect((await refusal(load)).parts.found).toMatch(/another SHA-256/);
  });

  it("a file without its receipt, or with a broken one, is not trusted", async () => {
    await load();
    const receipt = join(options.cacheDir, "timm--resnet18.tv_in1k.safetensors.json");
    for (const spoil of [
      () => rm(receipt),
      () => writeFile(receipt, "{"),
      () => writeFile(receipt, "null"),
    ]) {
      await spoil();
      requests = [];
      expect((await load()).pretrained).toBe(true);
      expect(requests).toHaveLength(3);
    }
  });

  it("another digest than the hub's: refused, nothing is kept", async () => {
    mode = "wrong digest";
    const error = await refusal(load);
    expect(error.message).toMatch(/not what the hub says/);
    expect(error.parts.found).toContain(sha(smallBytes));
    expect(await inCache()).toEqual([]);
  });

  it.each([
    ["breaks off", /broke off after \d+ of \d+ bytes/],
    ["too long", /more than the \d+ bytes/],
    ["no lfs", /no SHA-256/],
    [401, /no such thing/],
    [404, /no such thing/],
    [500, /no such thing/],
  ] as [Mode, RegExp][])(
    "a hub that answers with %s: the ways out, nothing kept, and the next run succeeds",
    async (how, found) => {
      mode = how;
      const error = await refusal(load);
      expect(error.parts.found).toMatch(found);
      expect(error.parts.remedy).toHaveLength(3);
      expect(await inCache()).toEqual([]);
      mode = "right";
      expect((await load()).pretrained).toBe(true);
    },
  );

  it("a hub that is silent or stalls is given up", async () => {
    const target = join(options.cacheDir, "x.safetensors");
    mode = "silent";
    await expect(downloadFromHub(RESNET, "model.safetensors", target, { answerMs: 200 })).rejects.toThrow(
      /no answer within 0.2 s/,
    );
    mode = "stalls";
    const stalled = downloadFromHub(RESNET, "model.safetensors", target, { stallMs: 200 });
    await expect(stalled).rejects.toThrow(HubUnreachable);
    await expect(stalled).rejects.toThrow(/broke off after \d+ .*no more bytes within 0.2 s/);
    expect(await inCache()).toEqual([]);
  });

  it("an interrupt ends the wait and the transfer, and leaves nothing", async () => {
    for (const how of ["silent", "stalls"] as const) {
      mode = how;
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 200);
      const start = Date.now();
      await expect(
        loadWeights("resnet18", smallSpecs, "pretrained", { ...options, signal: controller.signal }),
      ).rejects.toThrow(InterruptedError);
      expect(Date.now() - start).toBeLessThan(5000);
      expect(await inCache()).toEqual([]);
    }
  });

  it("what killed downloads left behind is swept away after a day, a running one is not", async () => {
    await mkdir(options.cacheDir);
    const target = "timm--resnet18.tv_in1k.safetensors";
    for (const name of [`${target}.old.partial`, `${target}.new.partial`, "other.partial"]) {
      await writeFile(join(options.cacheDir, name), "x");
    }
    const old = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(join(options.cacheDir, `${target}.old.partial`), old, old);
    await load();
    expect(await inCache()).toEqual(
      ["other.partial", target, `${target}.json`, `${target}.new.partial`].sort(),
    );
  });

  it("a token that is none, and a cache that is a file, are said so", async () => {
    vi.stubEnv("HF_TOKEN", "secret");
    const token = await refusal(load);
    expect(token.parts.where).toMatch(/HF_TOKEN/);
    expect(token.describe()).not.toContain("secret");
    vi.stubEnv("HF_TOKEN", "");
    await writeFile(options.cacheDir, "x");
    const error = await refusal(load);
    expect(error.message).toMatch(/cannot write/);
    expect(error.parts.remedy).toMatch(/CELLHUE_CACHE/);
  });

  it("the cache folder: CELLHUE_CACHE, else XDG_CACHE_HOME/cellhue", async () => {
    const { cacheDir, ...rest } = options;
    for (const [name, value, expected] of [
      ["XDG_CACHE_HOME", join(folder, "xdg"), join(folder, "xdg", "cellhue")],
      ["CELLHUE_CACHE", join(folder, "own"), join(folder, "own")],
    ]) {
      vi.stubEnv("CELLHUE_CACHE", "");
      vi.stubEnv(name, value);
      await loadWeights("resnet18", smallSpecs, "pretrained", rest);
      expect(await readdir(expected)).toHaveLength(2);
    }
    expect(basename(cacheDir)).toBe("cache");
  });
});
