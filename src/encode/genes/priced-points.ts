/**
 * Role: points in the plane that each have a price, and the question which of them are cheapest from a place, where a
 * point costs its squared distance plus its price. A static kd-tree, whose prices may rise between two questions.
 *
 * A box is left out by a bound that is linear in the place asked from. Squared distance plus price of a point y, from x, is
 * |x|² − 2 x·y + w with w = |y|² + price. In an assignment near its optimum w is nearly the convex function whose gradient
 * at y is twice the place of y's partner (Brenier 1991), so w − g·y with g twice the mean place of the partners in a box is
 * nearly flat there, and its least value, kept for the box, bounds all of the box tightly, however far points have to move.
 * The least distance plus the least price of a box, the usual bound, prunes next to nothing once prices are high.
 * Contract: exact up to rounding for any prices and any partners; both only decide the speed.
 * Reference: Bentley 1975 (kd-tree); Aurenhammer 1987 (power diagrams).
 */

/** Points of a leaf, at most. */
const LEAF = 8;
/** Numbers that a node has in `nodes`. */
const NODE = 7;

export class PricedPoints {
  readonly count: number;
  /** Levels below the root; node t of level l is number 2^l + t. */
  private readonly levels: number;
  /** Points in the order of the leaves, and where each point is in it. */
  private readonly order: Int32Array;
  private readonly at: Int32Array;
  // Of each point, in the order of the leaves.
  private readonly x: Float64Array;
  private readonly y: Float64Array;
  private readonly price: Float64Array;
  /** Of each node: box (x from, x to, y from, y to), slope (x, y), least w − slope·y. */
  private readonly nodes: Float64Array;
  private readonly stack = new Int32Array(64);
  private readonly stackBound = new Float64Array(64);

  /** @param points n × 2, finite */
  constructor(points: Float64Array) {
    const n = points.length / 2;
    this.count = n;
    let levels = 0;
    while (n > LEAF << levels) levels++;
    this.levels = levels;
    this.order = Int32Array.from({ length: n }, (_, i) => i);
    this.nodes = new Float64Array(NODE * (2 << levels));
    this.build(points, 1, 0, n, 0);
    this.at = new Int32Array(n);
    this.order.forEach((i, p) => {
      this.at[i] = p;
    });
    this.x = Float64Array.from(this.order, (i) => points[2 * i]);
    this.y = Float64Array.from(this.order, (i) => points[2 * i + 1]);
    this.price = new Float64Array(n);
  }

  private build(points: Float64Array, node: number, from: number, to: number, level: number): void {
    const { order, nodes } = this;
    let [xLow, xHigh, yLow, yHigh] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let p = from; p < to; p++) {
      const x = points[2 * order[p]];
      const y = points[2 * order[p] + 1];
      xLow = Math.min(xLow, x);
      xHigh = Math.max(xHigh, x);
      yLow = Math.min(yLow, y);
      yHigh = Math.max(yHigh, y);
    }
    nodes.set([xLow, xHigh, yLow, yHigh], NODE * node);
    if (level === this.levels) return;
    const axis = xHigh - xLow >= yHigh - yLow ? 0 : 1;
    // Ties by number, so that the tree is one and the same everywhere.
    order.subarray(from, to).sort((a, b) => points[2 * a + axis] - points[2 * b + axis] || a - b);
    const middle = this.start(2 * node + 1, level + 1);
    this.build(points, 2 * node, from, middle, level + 1);
    this.build(points, 2 * node + 1, middle, to, level + 1);
  }

  /** Where the points of a node begin. */
  private start(node: number, level: number): number {
    return Math.floor(((node - 2 ** level) * this.count) / 2 ** level);
  }

  /**
   * Sets all prices.
   * @param partners n × 2: about where each point is cheapest from
   */
  reset(prices: Float64Array, partners: Float64Array): void {
    const { order, nodes, x, y, price, levels } = this;
    for (let p = 0; p < this.count; p++) price[p] = prices[order[p]];
    for (let level = levels; level >= 0; level--)
      for (let node = 2 ** level; node < 2 << level; node++) {
        const from = this.start(node, level);
        const to = this.start(node + 1, level);
        let gx = 0;
        let gy = 0;
        for (let p = from; p < to; p++) {
          gx += partners[2 * order[p]];
          gy += partners[2 * order[p] + 1];
        }
        gx *= 2 / (to - from);
        gy *= 2 / (to - from);
        let least = Infinity;
        for (let p = from; p < to; p++)
          least = Math.min(least, price[p] + x[p] * (x[p] - gx) + y[p] * (y[p] - gy));
        const o = NODE * node;
        nodes[o + 4] = gx;
        nodes[o + 5] = gy;
        nodes[o + 6] = least;
      }
  }

  /** Raises the price of a point (a price may not fall but by `reset`). */
  raise(point: number, to: number): void {
    const { nodes, x, y, price, levels } = this;
    const p = this.at[point];
    price[p] = to;
    let node = 2 ** levels + Math.floor(((p + 1) * 2 ** levels - 1) / this.count);
    let o = NODE * node;
    const end = this.start(node + 1, levels);
    let least = Infinity;
    for (let q = this.start(node, levels); q < end; q++) {
      const w = price[q] + x[q] * (x[q] - nodes[o + 4]) + y[q] * (y[q] - nodes[o + 5]);
      if (w < least) least = w;
    }
    // What a node had as its least is still a bound; its children may give a better one.
    while (least > nodes[o + 6]) {
      nodes[o + 6] = least;
      node >>= 1;
      if (node === 0) return;
      o = NODE * node;
      least = Math.min(this.lifted(2 * node, o), this.lifted(2 * node + 1, o));
    }
  }

  /** What the least of a child says about its parent's, which has another slope. */
  private lifted(child: number, parent: number): number {
    const { nodes } = this;
    const o = NODE * child;
    const ax = nodes[o + 4] - nodes[parent + 4];
    const ay = nodes[o + 5] - nodes[parent + 5];
    return nodes[o + 6] + ax * nodes[o + (ax > 0 ? 0 : 1)] + ay * nodes[o + (ay > 0 ? 2 : 3)];
  }

  /** What every point of a node costs from (x0, y0), at least. */
  private bound(node: number, x0: number, y0: number): number {
    const { nodes } = this;
    const o = NODE * node;
    const ax = nodes[o + 4] - 2 * x0;
    const ay = nodes[o + 5] - 2 * y0;
    return (
      x0 * x0 + y0 * y0 + nodes[o + 6] + ax * nodes[o + (ax > 0 ? 0 : 1)] + ay * nodes[o + (ay > 0 ? 2 : 3)]
    );
  }

  /**
   * The k cheapest points from (x0, y0), cheapest first.
   * @param k at most the number of points
   * @param points receives them from `offset` on; `costs` their squared distance plus price
   */
  cheapest(x0: number, y0: number, k: number, points: Int32Array, costs: Float64Array, offset: number): void {
    const { x, y, price, order, levels, stack, stackBound } = this;
    const leaves = 2 ** levels;
    const last = offset + k - 1;
    costs.fill(Infinity, offset, last + 1);
    stack[0] = 1;
    stackBound[0] = -Infinity;
    for (let depth = 1; depth > 0; ) {
      let node = stack[--depth];
      let bound = stackBound[depth];
      while (bound < costs[last] && node < leaves) {
        const left = 2 * node;
        const a = this.bound(left, x0, y0);
        const b = this.bound(left + 1, x0, y0);
        node = a <= b ? left : left + 1;
        bound = a <= b ? a : b;
        stack[depth] = node ^ 1;
        stackBound[depth++] = a <= b ? b : a;
      }
      if (bound >= costs[last]) continue;
      const to = this.start(node + 1, levels);
      for (let p = this.start(node, levels); p < to; p++) {
        const dx = x[p] - x0;
        const dy = y[p] - y0;
        const cost = dx * dx + dy * dy + price[p];
        if (cost >= costs[last]) continue;
        let slot = last;
        for (; slot > offset && costs[slot - 1] > cost; slot--) {
          costs[slot] = costs[slot - 1];
          points[slot] = points[slot - 1];
        }
        costs[slot] = cost;
        points[slot] = order[p];
      }
    }
  }
}
