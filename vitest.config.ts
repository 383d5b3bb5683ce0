import { defineConfig } from "vitest/config";

// Two test files at a time, since onnxruntime has threads of its own; room for real training.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    reporters: ["default", "./test/summary-reporter.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    pool: "forks",
  },
});
