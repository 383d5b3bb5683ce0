/**
 * Seeded randomness: the Mersenne Twister (MT19937) with numpy's legacy `RandomState` methods, bit for bit (normals up
 * to the last digit of the logarithm), so that folds equal scikit-learn's. A seed may be a path of keys, e.g.
 * `[seed, fold, epoch]`: the stream is then a function of where the work stands, and a resumed run needs no saved state.
 * Reference: Matsumoto & Nishimura 1998; numpy/random/mtrand (legacy seeding, random_interval, legacy_gauss).
 */
const N = 624;
const M = 397;

export class RandomState {
  private readonly mt = new Uint32Array(N);
  private at = N;
  private spareNormal: number | undefined;

  /** @param seed a 32-bit unsigned integer (as `numpy.random.RandomState(seed)`) or several (numpy's array seed) */
  constructor(seed: number | readonly number[]) {
    if (typeof seed === "number") this.initialise(seed);
    else this.initialiseByArray(seed);
  }

  private initialise(seed: number): void {
    const { mt } = this;
    mt[0] = seed >>> 0;
    for (let i = 1; i < N; i++) {
      const s = mt[i - 1] ^ (mt[i - 1] >>> 30);
      mt[i] = Math.imul(1812433253, s) + i;
    }
    this.at = N;
  }

  private initialiseByArray(key: readonly number[]): void {
    if (key.length === 0) throw new RangeError("RandomState: the path of seeds is empty");
    this.initialise(19650218);
    const { mt } = this;
    let i = 1;
    let j = 0;
    for (let k = Math.max(N, key.length); k > 0; k--) {
      const s = mt[i - 1] ^ (mt[i - 1] >>> 30);
      mt[i] = (mt[i] ^ Math.imul(s, 1664525)) + (key[j] >>> 0) + j;
      if (++i >= N) {
        mt[0] = mt[N - 1];
        i = 1;
      }
      if (++j >= key.length) j = 0;
    }
    for (let k = N - 1; k > 0; k--) {
      const s = mt[i - 1] ^ (mt[i - 1] >>> 30);
      mt[i] = (mt[i] ^ Math.imul(s, 1566083941)) - i;
      if (++i >= N) {
        mt[0] = mt[N - 1];
        i = 1;
      }
    }
    mt[0] = 0x80000000;
  }

  private refill(): void {
    const { mt } = this;
    for (let k = 0; k < N; k++) {
      const y = (mt[k] & 0x80000000) | (mt[(k + 1) % N] & 0x7fffffff);
      mt[k] = mt[(k + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }

  /** The next 32 random bits. */
  uint32(): number {
    if (this.at >= N) this.refill();
    let y = this.mt[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** Uniform in [0, 1) with 53 bits (`random_sample`). */
  random(): number {
    const a = this.uint32() >>> 5;
    const b = this.uint32() >>> 6;
    return (a * 67108864 + b) / 9007199254740992;
  }

  /** Uniform integer in 0…max, both included, by masked rejection (numpy's `random_interval`); max < 2^32. */
  interval(max: number): number {
    if (max === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(max);
    let value = (this.uint32() & mask) >>> 0;
    while (value > max) value = (this.uint32() & mask) >>> 0;
    return value;
  }

  /** Standard normal by the polar method (`standard_normal`). */
  standardNormal(): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return spare;
    }
    let x1: number;
    let x2: number;
    let r2: number;
    do {
      x1 = 2 * this.random() - 1;
      x2 = 2 * this.random() - 1;
      r2 = x1 * x1 + x2 * x2;
    } while (r2 >= 1 || r2 === 0);
    const f = Math.sqrt((-2 * Math.log(r2)) / r2);
    this.spareNormal = f * x1;
    return f * x2;
  }

  /** Shuffles in place (Fisher–Yates from the end, as numpy's `shuffle`). */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.interval(i);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }

  /** A random order of 0…n−1 (`permutation(n)`). */
  permutation(n: number): Int32Array {
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }
}
