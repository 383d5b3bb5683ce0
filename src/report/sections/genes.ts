/** "Which genes decided?": the strongest genes of every class, and whether the explanation passes its checks. */
import { bdi, head, list, rowHead, scrolling } from "../elements.js";
import { type CurveCheck, type ExplainedClass, emptyClassWords, type GenesReport } from "../genes-report.js";
import { type Child, el } from "../markup.js";
import { score, share, signed, whole } from "../numbers.js";

/** @param maps, others its figures */
export function genesBody(genes: GenesReport, maps: Child, others: Child): Child {
  const { checks } = genes;
  return [
    el(
      "p",
      {},
      `What moved the score of its class in held-out samples that ${genes.net} classified rightly, each by the net of the fold that had not seen it: `,
      `${genes.method}, down to the genes by the chain rule through the picture (${genes.encoder}; ${whole(genes.painted)} of ${whole(genes.genes)} genes are in it). `,
      `${methodWords(genes.method)} It is about this net: another net, as good, can lean on other genes that rise and fall with these.`,
    ),
    genes.part ? el("p", {}, `Here are the ${genes.part}.`) : undefined,
    genes.failed.length === 0
      ? el("p", {}, "Every check below is passed, as far as checks go.")
      : el(
          "div",
          { class: "warn" },
          el("p", {}, "This explanation fails checks; do not build on it:"),
          list(genes.failed),
        ),
    genes.missing.length === 0
      ? undefined
      : el(
          "p",
          {},
          "Nothing is explained for classes without a rightly classified held-out sample: ",
          genes.missing.map((label, i) => [i > 0 ? ", " : "", bdi(label)]),
          ".",
        ),
    maps,
    genes.classes.map((of) => classTable(of, genes.method)),
    el("h3", {}, "Is the explanation true?"),
    list([
      `Weights: ${checks.randomisation.sentence} (${checks.randomisation.verdict}).`,
      `Maps of the image: ${checks.maps.sentence} (${checks.maps.verdict}).`,
      checks.labels === null
        ? "Labels: no net was trained on shuffled labels (--nulls)."
        : `Labels: ${checks.labels.sentence} (${checks.labels.verdict}).`,
      curveWords("Deletion", checks.deletion),
      curveWords("Insertion", checks.insertion),
      checks.stability === null
        ? "Agreement of the folds: too few folds have samples to compare."
        : `Agreement of the folds: ${checks.stability.sentence}. Folds share most of their training samples, so it says less than new data would.`,
      checks.seeds === null
        ? "Agreement of the seeds: no net was trained with another seed (--seeds)."
        : `Agreement of the seeds: ${checks.seeds.sentence}. The picture is the same for all.`,
      ...(genes.trainings === null ? [] : [`Both trainings: ${genes.trainings.sentence}.`]),
      checks.chance === null
        ? "Chance: without nets on shuffled labels no false-discovery rate can be told."
        : `Chance: ${checks.chance.sentence}; q is the false-discovery rate of the genes down to that one.`,
      ...(genes.completeness === null
        ? []
        : [
            `Completeness: a sample's attributions sum to its score's difference from that of the training mean, but for ${share(genes.completeness.median)} in the median and ${share(genes.completeness.greatest)} at worst.`,
          ]),
    ]),
    others,
  ];
}

/** What a score is by this method, and why it is or is not the default. */
function methodWords(method: string): string {
  const sign =
    "A score above 0 says that the gene's expression in these samples speaks for the class; below 0, against it.";
  switch (method) {
    case "integrated-gradients":
      return `It is what each gene adds to the score on the way from the training mean to the sample, so the genes sum to the score's difference. It is the default for images of genes because on three sets no other method's genes brought scores down faster when they were set to their mean (docs/results.md). ${sign}`;
    case "expected-gradients":
      return `It is what each gene adds to the score on the way from training samples, drawn at random, to this one. It is the default for the spectral picture, where on three sets its genes, set to their mean, brought scores down faster than those of integrated gradients (docs/results.md). ${sign}`;
    case "gradient-x-input":
      return `It is how steeply the score rises with a gene, times the gene's difference from its training mean. ${sign}`;
    case "gradient":
    case "smoothgrad":
      return "It is how steeply the score rises with a gene: above 0, more of it would speak for the class; below 0, against it. It does not say what the score is made of.";
    default:
      return "It is a map of the image, by how much a gene's difference from its training mean changes the pixels that count: genes of one part of the picture share what the map says of that part, so it tells the part better than the gene. A score above 0 says that the gene is high in a part that speaks for the class, or low in one that speaks against it.";
  }
}

const curveWords = (name: string, { sentence, samples }: CurveCheck): string =>
  `${name} of genes, ${samples} samples of the first fold: ${sentence}.`;

function classTable(of: ExplainedClass, method: string): Child {
  const { label, samples, significant, top } = of;
  const lack =
    of.empty > 0 ? el("p", { class: "warn" }, bdi(label), `: ${emptyClassWords(method, of)}.`) : undefined;
  if (top.length === 0) return lack;
  const rows = top.map(({ gene, score: value, stability, q, tRank }, i) =>
    el(
      "tr",
      {},
      rowHead(gene),
      el("td", {}, String(i + 1)),
      el("td", {}, signed(value)),
      el("td", {}, stability === null ? "–" : share(stability)),
      el("td", {}, q === null ? "–" : score(q)),
      el("td", {}, whole(tRank)),
    ),
  );
  const found =
    significant === null
      ? ""
      : `; ${whole(significant)} genes beyond chance at a false-discovery rate of 0.05`;
  return [
    lack,
    scrolling(
      `${label}: strongest genes (mean of ${samples} samples${found})`,
      "numbers wide",
      head(["gene", "rank", "score", "in the top 50 of folds", "q", "rank by t test"]),
      rows,
      40,
    ),
  ];
}
