import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodePng, encodePng } from "../../src/io/png.js";
import { RandomState } from "../../src/random.js";

function noise(width: number, height: number): Uint8Array {
  const random = new RandomState([width, height]);
  return Uint8Array.from({ length: width * height * 3 }, () => random.interval(255));
}

describe("PNG", () => {
  for (const [width, height] of [
    [1, 1],
    [128, 128],
    [7, 3],
    [3, 31],
  ])
    it(`${width} × ${height}: pixels come back as they went in, the same bytes each time`, async () => {
      const rgb = noise(width, height);
      const file = await encodePng(rgb, width, height);
      expect(file.subarray(1, 4).toString()).toBe("PNG");
      expect(await decodePng(file)).toEqual({ width, height, rgb });
      expect((await encodePng(rgb, width, height)).equals(file)).toBe(true);
    });

  it("an image of one colour stays 8-bit RGB (colour type 2)", async () => {
    const file = await encodePng(new Uint8Array(16 * 16 * 3), 16, 16);
    expect([file[24], file[25]]).toEqual([8, 2]);
  });

  it("reads PIL's RGB, grey, palette and transparent files", async () => {
    const cases: { mode: string; png: string; width: number; height: number; rgb: number[] }[] = JSON.parse(
      readFileSync("test/fixtures/png.json", "utf8"),
    );
    for (const { png, width, height, rgb } of cases)
      expect(await decodePng(Buffer.from(png, "base64"))).toEqual({
        width,
        height,
        rgb: Uint8Array.from(rgb),
      });
  });

  it("refuses what is no image and sizes that do not fit", async () => {
    await expect(decodePng(Buffer.from("not a png"))).rejects.toThrow(/cannot be decoded/);
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(decodePng(svg)).rejects.toThrow(/cannot be decoded/);
    const bomb = Buffer.from(await encodePng(new Uint8Array(3), 1, 1));
    bomb.writeUInt32BE(16_000, 16); // its width and height
    bomb.writeUInt32BE(16_000, 20);
    await expect(decodePng(bomb)).rejects.toThrow(/cannot be decoded/);
    await expect(encodePng(new Uint8Array(10), 2, 2)).rejects.toThrow(/10 bytes/);
  });
});
