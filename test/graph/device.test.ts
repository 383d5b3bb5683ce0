import { describe, expect, it } from "vitest";
import { devices } from "../../src/devices.js";
import { CellhueError } from "../../src/errors.js";
import { requireDevice } from "../../src/graph/device.js";
import { Graph } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";

/** Whether a session can be made there at all. */
async function works(device: (typeof devices)[number]): Promise<boolean> {
  const g = new Graph();
  g.output("y", g.op("Relu", [g.input("x", [1])], [1]));
  try {
    const session = await createSession(g, { device });
    await session.run({ x: Float32Array.of(1) });
    await session.release();
    return true;
  } catch {
    return false;
  }
}

describe("requireDevice", () => {
  it("takes the CPU", async () => {
    await expect(requireDevice("cpu")).resolves.toBeUndefined();
  });

  for (const device of devices)
    it(`${device}: taken where it works, else refused with what there is`, async () => {
      const there = await works(device);
      const refusal = await requireDevice(device).then(
        () => null,
        (error: unknown) => error,
      );
      if (there) return expect(refusal).toBe(null);
      expect(refusal).toBeInstanceOf(CellhueError);
      const { message, parts } = refusal as CellhueError;
      expect(message).toContain(`'${device}'`);
      expect(parts.expected).toMatch(/^one of cpu/);
      expect(parts.expected).not.toContain(device);
      for (const other of devices)
        if (other !== device) expect(parts.expected?.includes(other)).toBe(await works(other));
    });
});
