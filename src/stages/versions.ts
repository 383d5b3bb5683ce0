/** What a run was made with: cellhue, Node and the packages whose numbers or pictures it holds. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = ["onnxruntime-node", "h5wasm", "scran.js", "@resvg/resvg-js"];

/** The package's own version. */
export function cellhueVersion(): string {
  // src/stages and dist/stages lie equally deep.
  return versionIn(fileURLToPath(new URL("../../package.json", import.meta.url))) ?? "unknown";
}

/** Names and versions; nothing of it is loaded. */
export function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const found: Record<string, string> = {
    cellhue: cellhueVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
  for (const name of packages) {
    // `exports` may hide package.json, so it is looked for upwards from where the package would be.
    for (const folder of require.resolve.paths(name) ?? []) {
      const version = versionIn(join(folder, name, "package.json"));
      if (version === undefined) continue;
      found[name] = version;
      break;
    }
  }
  return found;
}

function versionIn(file: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}

/** The package's root folder, where `assets/` lies. */
export const packageRoot = (): string =>
  dirname(fileURLToPath(new URL("../../package.json", import.meta.url)));
