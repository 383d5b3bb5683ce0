// A Python peer that is kept running, so that its steps and ours alternate in one run.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const local = fileURLToPath(new URL("peers/.venv/bin/python", import.meta.url));
/** $PEER_PYTHON, or the environment that bench/peers/requirements.txt was installed into. */
export const python = process.env.PEER_PYTHON ?? (existsSync(local) ? local : "python3");

/** The environment without settings that slow numpy's products down on purpose. */
export function peerEnvironment() {
  const { OPENBLAS_CORETYPE: _a, OPENBLAS_L2_SIZE: _b, ...env } = process.env;
  return env;
}

export async function startPeer(script, args) {
  const child = spawn(
    python,
    [fileURLToPath(new URL(`peers/${script}`, import.meta.url)), ...args.map(String)],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: peerEnvironment(),
    },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended early`);
    return JSON.parse(value);
  };
  const hello = await read();
  return {
    hello,
    async step() {
      child.stdin.write("\n");
      return read();
    },
    end: () => child.stdin.end(),
  };
}

/** Median, minimum and maximum. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}
