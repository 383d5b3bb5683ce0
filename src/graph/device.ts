/**
 * Role: which processor trains and predicts. onnxruntime calls them execution providers: what the package brings along
 * (cpu; webgpu, coreml or dml by system) and cuda, whose libraries are installed beside it.
 * Contract: only the CPU gives the same bits on every machine and with any number of threads.
 */
import { type Device, devices } from "../devices.js";
import { CellhueError } from "../errors.js";
import { Graph } from "./graph.js";
import { createSession } from "./session.js";

/** Runs a graph of one node there. @returns what went wrong, null where nothing did */
async function faultOf(device: Device): Promise<unknown> {
  const g = new Graph("device");
  const x = g.input("x", [2]);
  g.output("y", g.op("Add", [x, x], [2]));
  try {
    const session = await createSession(g, { threads: 1, device });
    try {
      await session.run({ x: Float32Array.of(1, 2) });
    } finally {
      await session.release();
    }
    return null;
  } catch (cause) {
    return cause;
  }
}

/** onnxruntime says where in its sources first, and why at the end. */
function reasonOf(cause: unknown): string {
  const [line] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  return (/Failed to .*|no available .*|backend not found.*/.exec(line)?.[0] ?? line).slice(0, 200);
}

/** @throws CellhueError where this machine cannot compute on the device, with those that it can */
export async function requireDevice(device: Device): Promise<void> {
  if (device === "cpu") return;
  const cause = await faultOf(device);
  if (cause === null) return;
  const there: string[] = ["cpu"];
  for (const other of devices)
    if (other !== "cpu" && other !== device && (await faultOf(other)) === null) there.push(other);
  throw new CellhueError(`this machine has no device '${device}' that onnxruntime can use`, {
    where: "--device",
    found: reasonOf(cause),
    expected: `one of ${there.join(", ")}, which this machine has`,
    remedy: `--device ${there[there.length - 1]}`,
    cause,
  });
}
