import { defineConfig } from "vitest/config";

// Two cores and onnxruntime's own threads: files run one after another within two workers, with room for real training.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: "forks",
  },
});
