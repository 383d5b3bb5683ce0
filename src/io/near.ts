/**
 * Names like the one that was asked for, to offer where it does not exist.
 * Distance: edits (Damerau–Levenshtein without transposed substrings), blind to case, `_`, `-`, `.` and spaces.
 */

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  const s = Array.from(a);
  const t = Array.from(b);
  let before: number[] = [];
  let last = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      const same = s[i - 1] === t[j - 1];
      let best = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) {
        best = Math.min(best, before[j - 2] + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[t.length];
}

/** Up to `most` of the names that are near `name`, nearest first; those that hold it or are held by it count as near. */
export function nearNames(name: string, names: Iterable<string>, most = 3): string[] {
  const plain = (text: string) => text.toLowerCase().replace(/[\s._-]+/g, "");
  const wanted = plain(name).slice(0, 200);
  const found: { name: string; distance: number }[] = [];
  for (const candidate of names) {
    const other = plain(candidate).slice(0, 200);
    if (other === "" || wanted === "") continue;
    const distance = editDistance(wanted, other);
    const held =
      Math.min(other.length, wanted.length) >= 3 && (other.includes(wanted) || wanted.includes(other));
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    if (distance <= allowed) found.push({ name: candidate, distance });
    else if (held) found.push({ name: candidate, distance: allowed + 1 });
  }
  return found
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map((f) => f.name);
}
