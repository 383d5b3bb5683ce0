// Runs the built command line to its end: its seconds, its peak memory (Linux) and what it said on stderr.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** @returns a promise of { seconds, peakMB, said }; it fails where the command does */
export function command(...args) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    let peakMB = 0;
    child.stderr.on("data", (text) => {
      said += text;
    });
    const look = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        peakMB = Math.max(peakMB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      } catch {
        // it has ended
      }
    }, 100);
    child.on("close", (code) => {
      clearInterval(look);
      if (code !== 0) return reject(new Error(`cellhue ${args.join(" ")}: exit ${code}\n${said}`));
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      resolve({ seconds, peakMB: Math.round(peakMB), said });
    });
  });
}
