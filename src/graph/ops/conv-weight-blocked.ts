/**
 * Role: gradient of a dense convolution by its weight as one blocked convolution, in which samples stand for channels: the
 * maps are the images, dy the kernels (dilated by the stride), positions of the kernel the results.
 * Contract: as conv2d with groups = 1; dy blocked, x blocked or plain with fewer channels than a block. The channels of a
 * block lie side by side along the rows of the image, so that the convolution computes long rows. Columns outside the map are
 * written beforehand, since the kernels compute such positions one by one.
 */
import { type Graph, nchwc, staticDims, type Value } from "../graph.js";
import type { Geometry } from "./conv2d.js";
import { filled, gathered, padded, stored } from "./layout.js";

/** Pixels of dy that are summed in one go: of 64 channels and 16 samples they take half of a core's second cache. */
const PIECE = 128;

/** Whether there is this form, and it pays: a kernel of one position is better off as a product. */
export function suitsBlocked(g: Graph, x: Value, dy: Value, s: Geometry): boolean {
  const few = (x.dims[1] as number) < g.block;
  return dy.blocked === true && (x.blocked === true || few) && s.kh * s.kw > 1;
}

/** @returns dW as C/l × K/b × kh × kw × l × b, K and C being filled where they are stored so; l is b, or C where x is plain */
export function blockedWeightGradient(g: Graph, x: Value, dy: Value, s: Geometry): Value {
  const { block: b } = g;
  const { kh, kw, oh, ow, stride } = s;
  const [n, c] = staticDims(x);
  const [samples, outputs] = [filled(g, n), filled(g, dy.dims[1] as number)];
  const [groups, lanes] = x.blocked ? [filled(g, c) / b, b] : [1, c];
  const rows = bandRows(oh, ow);
  const bands = oh / rows;
  // what the windows reach: beyond the map, or not all of it
  const [reachedRows, reachedColumns] = [(oh - 1) * stride + kh, (ow - 1) * stride + kw];
  const [top, left] = s.pads;
  const [bottom, right] = [Math.max(reachedRows - top - s.h, 0), Math.max(reachedColumns - left - s.w, 0)];
  const whole = bands === 1; // then rows outside the map are the convolution's own padding
  const height = whole ? s.h : top + s.h + bottom;
  const width = left + s.w + right;
  const seen = whole ? Math.min(s.h, reachedRows - top) : (rows - 1) * stride + kh;

  const maps = [1, samples * groups, s.h, s.w * lanes];
  const pads = [whole ? 0 : top, left * lanes, whole ? 0 : bottom, right * lanes];
  const framed = padded(g, stored(g, samplesInside(g, x, samples), maps), pads);
  const blocks = samples / b;
  const order: number[] = []; // rows of all maps
  for (let group = 0; group < groups; group++)
    for (let i = 0; i < blocks; i++)
      for (let band = 0; band < bands; band++)
        for (let row = 0; row < seen; row++)
          order.push((i * groups + group) * height + band * rows * stride + row);
  const images = gathered(g, framed, order, blocks * groups * height);
  const columns = width - reachedColumns + kw; // positions beyond the kernel, where columns are not reached
  const found = g.op(
    "Conv",
    [
      stored(g, images, [groups, samples * bands, seen, width * lanes]),
      stored(g, kernelsOf(g, dy, samples, bands), [outputs, samples * bands, rows, ow]),
    ],
    [groups, outputs, kh, columns * lanes],
    {
      kernel_shape: [rows, ow],
      dilations: [stride, stride * lanes],
      pads: whole ? [top, 0, bottom, 0] : [0, 0, 0, 0],
    },
    { domain: nchwc },
  );
  const dims = [groups, outputs / b, kh, columns, lanes, b];
  const all = stored(g, found, dims);
  if (columns === kw) return all;
  dims[3] = kw;
  return g.op("Slice", [all, g.ints([0]), g.ints([kw]), g.ints([3])], dims);
}

/** Rows of dy in one piece: a divisor of all. */
function bandRows(oh: number, ow: number): number {
  let rows = oh;
  while (rows > 1 && (oh % rows > 0 || rows * ow > PIECE)) rows--;
  return rows;
}

/** More samples, all zero, as pieces of a sample each. */
function fillSamples(g: Graph, v: Value, samples: number): Value {
  const [n, piece] = staticDims(v);
  return n === samples ? v : g.op("Pad", [v, g.ints([0, 0, samples - n, 0])], [samples, piece]);
}

/** Samples innermost: N/b × C/l × H × W × l × b. */
function samplesInside(g: Graph, x: Value, samples: number): Value {
  const [n, c, h, w] = staticDims(x);
  const piece = (x.blocked ? filled(g, c) : c) * h * w;
  const pixels = x.blocked ? x : g.op("Transpose", [x], [n, h, w, c], { perm: [0, 2, 3, 1] });
  const dims = [1, samples, 1, piece];
  const rows = fillSamples(g, stored(g, pixels, [n, piece]), samples);
  return g.op("ReorderInput", [stored(g, rows, dims)], dims, {}, { domain: nchwc });
}

/** dy as kernels: K/b × N/b × bands × rows × OW × b samples × b channels. */
function kernelsOf(g: Graph, dy: Value, samples: number, bands: number): Value {
  const { block: b } = g;
  const [n, k, oh, ow] = staticDims(dy);
  const groups = filled(g, k) / b;
  const rows = fillSamples(g, stored(g, dy, [n, groups * oh * ow * b]), samples);
  const dims = [samples / b, b, groups * oh * ow, b];
  const inside = g.op("Transpose", [stored(g, rows, dims)], [dims[0], dims[2], b, b], { perm: [0, 2, 1, 3] });
  const order: number[] = [];
  for (let group = 0; group < groups; group++)
    for (let i = 0; i < dims[0]; i++)
      for (let band = 0; band < bands; band++) order.push((i * groups + group) * bands + band);
  return gathered(g, inside, order, dims[0] * groups * bands);
}

/** C/l × K/b × kh × kw × l × b → K×C×kh×kw, without what filled up the blocks. */
export function plainKernels(g: Graph, v: Value, k: number, c: number): Value {
  const [groups, outputs, kh, kw, lanes, b] = staticDims(v);
  const dims = [outputs * b, groups * lanes, kh, kw];
  const positions = [groups, outputs, kh * kw, lanes, b];
  const flat = stored(g, v, positions);
  const apart = g.op("Transpose", [flat], [outputs, b, groups, lanes, kh * kw], { perm: [1, 4, 0, 3, 2] });
  return cutChannels(g, stored(g, apart, dims), k, c);
}

/** The first K×C of filled kernels. */
export function cutChannels(g: Graph, kernels: Value, k: number, c: number): Value {
  const [outputs, inputs, kh, kw] = staticDims(kernels);
  if (outputs === k && inputs === c) return kernels;
  return g.op("Slice", [kernels, g.ints([0, 0]), g.ints([k, c]), g.ints([0, 1])], [k, c, kh, kw]);
}
