/** A real browser for what has to be looked at: Chromium, headless, without any network. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

/** Path of the browser: CHROMIUM_PATH, else where systems keep it; undefined where there is none. */
export const chromiumPath: string | undefined = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].find((path) => path !== undefined && path !== "" && existsSync(path));

/** Said where a test is skipped. */
export const noBrowser = "no Chromium found: set CHROMIUM_PATH to run this test";

/** Runs `use` with a browser of an empty profile that cannot reach the network; closes it whatever happens. */
export async function withBrowser<T>(
  use: (context: BrowserContext) => Promise<T>,
  options: { colorScheme?: "light" | "dark" } = {},
): Promise<T> {
  if (chromiumPath === undefined) throw new Error(noBrowser);
  const profile = await mkdtemp(join(tmpdir(), "cellhue-browser-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath,
      headless: true,
      offline: true,
      colorScheme: options.colorScheme ?? "light",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Whatever asks for a host gets none.
        "--host-resolver-rules=MAP * ~NOTFOUND",
      ],
    });
    try {
      return await use(context);
    } finally {
      await context.close();
    }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
