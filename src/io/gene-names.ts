/**
 * What is to be known about the names of genes before anybody looks one up: of which kind they are, which are missing or
 * repeated, and which a spreadsheet has turned into dates (Ziemann et al., Genome Biology 2016, 17:177). Nothing is
 * renamed here but by `makeUnique`, which is anndata's rule.
 */

export type GeneNameKind = "symbols" | "ensembl" | "entrez" | "probes" | "row numbers" | "other";

export interface GeneNameReport {
  total: number;
  /** What most of them are; "row numbers" also with a word before each (gene0, gene1 …). */
  kind: GeneNameKind;
  /** Blank ones. */
  empty: number;
  repeated: {
    /** Different names that occur more than once. */
    names: number;
    /** Genes beyond the first of each. */
    extra: number;
    /** The most frequent one. */
    example: string | null;
  };
  ensembl: {
    count: number;
    /** Those with a version behind a point (ENSG00000141510.18). */
    versioned: number;
    /** Different versions of one identifier, which are one gene. */
    clashing: number;
  };
  /** Names that a spreadsheet made of symbols, each with the symbols that it may have been. */
  dates: { count: number; examples: { name: string; likely: string[] }[] };
  /** Symbols that a spreadsheet would turn into dates, still whole. */
  atRisk: { count: number; example: string | null };
  /** Names with white space at an end. */
  padded: { count: number; example: string | null };
  /** Lines of a read counter that are no genes (__no_feature, N_unmapped). */
  summaries: string[];
  /** How repeated and empty names are told apart; null where there is nothing to. */
  rule: string | null;
}

const ENSEMBL = /^(ENS[A-Z]*[GT]\d{6,})(\.\d+)?$/;
const PROBE = /^(\d+(_[a-z])?_at|AFFX-.+|ILMN_\d+|A_\d\d_P\d+|cg\d{8}|NM_\d+.*)$/i;
const ENTREZ = /^\d+$/;
const SYMBOL = /^[A-Za-z][A-Za-z0-9]*([-.@_/][A-Za-z0-9]+)*$/;
const SUMMARY =
  /^(__(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)|N_(unmapped|multimapping|noFeature|ambiguous))$/;
/** Symbols of the families that spreadsheets take for dates (until HGNC renamed them in 2020). */
const AT_RISK = /^(MARCH\d{1,2}|MARC[12]|SEPT?\d{1,2}|DEC1|OCT\d|NOV\d|APR-?\d|JUN-?\d|FEB\d)$/i;

const SHOWN = 5;
/** Months in the languages of spreadsheets that write them into cells (English, German, French, Spanish, Italian). */
const MONTHS: readonly RegExp[] = [
  /^(jan|janv|ene|gen)/i,
  /^(feb|fév|fev)/i,
  /^(mar|mrz|mär|maer)/i,
  /^(apr|avr|abr)/i,
  /^(may|mai|mag)/i,
  /^(jun|juin|giu)/i,
  /^(jul|juil|lug)/i,
  /^(aug|août|aou|ago)/i,
  /^(sep|set)/i,
  /^(o[ck]t|ott)/i,
  /^nov/i,
  /^(dec|dez|déc|dic)/i,
];

/**
 * @param names one a gene, in file order
 * @returns plain data, for a report
 */
export function describeGenes(names: readonly string[]): GeneNameReport {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  let repeatedNames = 0;
  let extra = 0;
  let most = 1;
  let example: string | null = null;
  for (const [name, count] of counts) {
    if (count < 2 || name.trim() === "") continue;
    repeatedNames++;
    extra += count - 1;
    if (count > most) [example, most] = [name, count];
  }
  const empty = names.filter((name) => name.trim() === "").length;
  const kind = kindOf(names);
  const versions = new Map<string, number>();
  let ensembl = 0;
  let versioned = 0;
  for (const name of counts.keys()) {
    const found = ENSEMBL.exec(name);
    if (!found) continue;
    ensembl += counts.get(name) ?? 0;
    if (found[2] === undefined) continue;
    versioned += counts.get(name) ?? 0;
    versions.set(found[1], (versions.get(found[1]) ?? 0) + 1);
  }
  const dates = { count: 0, examples: [] as { name: string; likely: string[] }[] };
  for (const name of names) {
    const likely = symbolsOfDate(name, kind !== "entrez" && kind !== "row numbers");
    if (likely === null) continue;
    dates.count++;
    if (dates.examples.length < SHOWN && !dates.examples.some((e) => e.name === name)) {
      dates.examples.push({ name, likely });
    }
  }
  const atRisk = names.filter((name) => AT_RISK.test(name));
  const padded = names.filter((name) => name !== name.trim() && name.trim() !== "");
  return {
    total: names.length,
    kind,
    empty,
    repeated: { names: repeatedNames, extra, example },
    ensembl: {
      count: ensembl,
      versioned,
      clashing: [...versions.values()].filter((n) => n > 1).length,
    },
    dates,
    atRisk: { count: atRisk.length, example: atRisk[0] ?? null },
    padded: { count: padded.length, example: padded[0] ?? null },
    summaries: names.filter((name) => SUMMARY.test(name)).slice(0, 20),
    rule:
      extra > 0 || empty > 1
        ? "the first keeps its name, the next are NAME-1, NAME-2 … in file order (anndata's var_names_make_unique)"
        : null,
  };
}

function kindOf(names: readonly string[]): GeneNameKind {
  const share = (test: (name: string, i: number) => boolean) => names.filter(test).length > names.length / 2;
  if (names.length === 0) return "other";
  const [, prefix, from] = /^(.*?)([01])$/.exec(names[0]) ?? [];
  if (from !== undefined && names.every((name, i) => name === `${prefix}${i + Number(from)}`))
    return "row numbers";
  if (share((name) => ENSEMBL.test(name))) return "ensembl";
  if (share((name) => PROBE.test(name))) return "probes";
  if (share((name) => ENTREZ.test(name))) return "entrez";
  return share((name) => SYMBOL.test(name)) ? "symbols" : "other";
}

/**
 * The symbols that a date may have been; null where the name is no date that a symbol turns into.
 * @param serials count whole numbers too, as days since 1900 (not where names are numbers anyway)
 */
export function symbolsOfDate(name: string, serials: boolean): string[] | null {
  const date = parseDate(name.trim(), serials);
  if (date === null) return null;
  const { month, day } = date;
  if (month === 3 && day <= 11) {
    return day <= 2
      ? [`MARCHF${day} (MARCH${day})`, `MTARC${day} (MARC${day})`]
      : [`MARCHF${day} (MARCH${day})`];
  }
  if (month === 9 && day <= 15) return day === 15 ? ["SELENOF (SEP15)"] : [`SEPTIN${day} (SEPT${day})`];
  if (month === 12 && day === 1) return ["DELEC1 or BHLHE40 (DEC1)"];
  if (month === 10 && day >= 1 && day <= 9) return day === 4 ? ["POU5F1 (OCT4)"] : [`OCT${day}`];
  return [];
}

/** Day and month of what a spreadsheet shows of a date that was a word and a number. */
function parseDate(name: string, serials: boolean): { month: number; day: number } | null {
  if (serials && /^[3-6]\d{4}(\.0)?$/.test(name)) {
    // day 25,569 is 1970-01-01
    const date = new Date((Number(name) - 25569) * 86_400_000);
    const found = { month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    // a number alone is a date only where it gives a symbol
    return found.month === 3 || found.month === 9 || found.month === 12 ? found : null;
  }
  const words =
    /^(\d{1,2})[-. /]{1,2}(\p{L}{3,9})\.?([-. /]\d{2,4})?$/u.exec(name) ??
    /^(\p{L}{3,9})\.?[- /](\d{1,2})$/u.exec(name);
  if (words) {
    const [dayText, monthText] = /^\d/.test(words[1]) ? [words[1], words[2]] : [words[2], words[1]];
    const month = MONTHS.findIndex((pattern) => pattern.test(monthText)) + 1;
    const day = Number(dayText);
    // "Mar-01" and "MAR-1" alike; a real symbol has no month before its hyphen that is spelled out further
    if (month > 0 && day >= 1 && day <= 31 && isMonthWord(monthText)) return { month, day };
    return null;
  }
  const iso = /^(19|20)\d\d-(\d\d)-(\d\d)([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$/.exec(name);
  if (iso) return { month: Number(iso[2]), day: Number(iso[3]) };
  const slashes = /^(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})$/.exec(name);
  if (!slashes) return null;
  const [a, b] = [Number(slashes[1]), Number(slashes[2])];
  if (a < 1 || b < 1 || a > 31 || b > 31) return null;
  // day first or month first: what gives a symbol
  return a <= 12 && (a === 3 || a === 9 || a === 12) ? { month: a, day: b } : { month: b, day: a };
}

const MONTH_WORDS = new Set(
  "jan january januar janv janvier ene enero gen gennaio feb february februar févr fév février febrero febbraio mar march mrz märz maerz mars marzo apr april avr avril abr abril aprile may mai mayo maggio mag jun june juni juin junio giu giugno jul july juli juil juillet julio lug luglio aug august août aou ago agosto sep sept september septembre septiembre set settembre oct okt october oktober octobre octubre ott ottobre nov november novembre noviembre dec dez december dezember déc décembre dic diciembre dicembre".split(
    " ",
  ),
);
const isMonthWord = (word: string) => MONTH_WORDS.has(word.toLowerCase());

/**
 * Names made unique as anndata's var_names_make_unique does it: the first keeps its name, the next get "-1", "-2" …,
 * leaving out what is taken already.
 */
export function makeUnique(names: readonly string[]): string[] {
  const taken = new Set(names);
  if (taken.size === names.length) return [...names];
  const seen = new Set<string>();
  const counter = new Map<string, number>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    for (let k = (counter.get(name) ?? 0) + 1; ; k++) {
      const candidate = `${name}-${k}`;
      if (taken.has(candidate)) continue;
      taken.add(candidate);
      counter.set(name, k);
      return candidate;
    }
  });
}
