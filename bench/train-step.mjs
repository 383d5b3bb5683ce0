// One training step, batch 32 of 3×128×128, against PyTorch's faster memory format. Whole steps as the loop runs them,
// ours and the peer's in turn. usage: node bench/train-step.mjs [NET …] [--pairs 5] [--batch 32] [--size 128]
import { parseArgs } from "node:util";
import { paramSpecs } from "../dist/net/nets.js";
import { initialise } from "../dist/net/weights/init.js";
import { RandomState } from "../dist/random.js";
import { fillBatch } from "../dist/train/batches.js";
import { Trainer, TrainingSessions } from "../dist/train/step.js";
import { spread, startPeer } from "./peer.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "5" },
    batch: { type: "string", default: "32" },
    size: { type: "string", default: "128" },
  },
});
const [pairs, batch, size] = [values.pairs, values.batch, values.size].map(Number);
const classes = 4;
const pause = () => new Promise((resolve) => setTimeout(resolve, 300)); // the other's threads stop spinning
const results = [];
for (const net of positionals.length ? positionals : ["resnet18", "efficientnet_b0", "efficientnet_lite0"]) {
  const random = new RandomState(0);
  const parameters = initialise(paramSpecs(net, classes), net, random);
  const sessions = new TrainingSessions(net, classes, { height: size, width: size }, 2);
  const trainer = new Trainer(sessions, { parameters, moments: new Map(), steps: 0 });
  const images = Uint8Array.from({ length: batch * size * size * 3 }, () => random.uint32() & 255);
  const rows = Int32Array.from({ length: batch }, (_, i) => i);
  const codes = rows.map((i) => i % classes);
  const buffer = new Float32Array(images.length);
  const step = async () => {
    const began = performance.now();
    fillBatch(images, rows, { height: size, width: size }, buffer);
    await trainer.step(buffer, codes, 1e-4, random);
    return (performance.now() - began) / 1000;
  };
  for (let i = 0; i < 2; i++) await step();
  const peer = await startPeer("train_step.py", [net, batch, size, classes]);
  const ours = [];
  const theirs = [];
  for (let i = 0; i < pairs; i++) {
    await pause();
    ours.push(await step());
    await pause();
    theirs.push(Math.min(...Object.values(await peer.step())));
  }
  peer.end();
  await sessions.release();
  results.push({
    work: `${net} training step, batch ${batch}, ${size}×${size}`,
    peer: `PyTorch ${peer.hello.torch}`,
    seconds: spread(ours),
    peerSeconds: spread(theirs),
    ratio: spread(ours.map((s, i) => s / theirs[i])),
    pairs,
  });
  console.error(JSON.stringify(results.at(-1)));
}
console.log(JSON.stringify(results, null, 2));
