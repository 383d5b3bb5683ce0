/** Ends a test run with one line that a machine reads: "N passed, N failed, N skipped". */
import type { Reporter, TestModule } from "vitest/node";

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.state() === "failed" && [...module.children.allTests("failed")].length === 0)
        count.failed += 1;
      for (const test of module.children.allTests()) count[test.result().state] += 1;
    }
    // After the other reporters, which write when the run ends as well.
    setTimeout(
      () => console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`),
      100,
    );
  }
}
