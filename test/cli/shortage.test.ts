import { describe, expect, it } from "vitest";
import { shortageError } from "../../src/cli/shortage.js";
import { CellhueError } from "../../src/errors.js";

/** The words of those that say so, as they were met. */
describe("shortageError", () => {
  const real = () => {
    try {
      new ArrayBuffer(2 ** 52);
    } catch (error) {
      return error as Error;
    }
    throw new Error("there is no such memory");
  };
  it.each<[string, Error]>([
    ["a typed array", real()],
    ["a typed array of more than V8 can hold", new RangeError("Invalid typed array length: 8589934592")],
    ["onnxruntime", new Error("std::bad_alloc")],
    ["onnxruntime's arena", new Error("Failed to allocate memory for requested buffer of size 411041792")],
    ["WebAssembly", new RangeError("WebAssembly.Memory(): could not allocate memory")],
    ["a worker", new Error("Worker terminated due to reaching memory limit: JS heap out of memory")],
    ["the system", Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" })],
  ])("memory: %s", (_, error) => {
    const told = shortageError(error) as CellhueError;
    expect(told).toBeInstanceOf(CellhueError);
    expect(told.exitCode).toBe(2);
    expect(told.describe()).toMatch(/memory does not suffice[\s\S]*MiB[\s\S]*--threads 1[\s\S]*--size/);
    expect(told.parts.cause).toBe(error);
  });

  it("threads", () => {
    const error = new Error(
      "/onnxruntime_src/onnxruntime/core/platform/posix/env.cc:251 onnxruntime::{anonymous}::PosixThread::PosixThread(const char*, int): pthread_create failed, error code: 11 error msg: Resource temporarily unavailable",
    );
    expect((shortageError(error) as CellhueError).describe()).toMatch(/no more threads[\s\S]*--threads 1/);
  });

  it("lets all else pass: a bug stays a bug, a CellhueError what it is", () => {
    for (const error of [
      new RangeError("Invalid typed array length: -1"),
      new TypeError("x is not a function"),
      new CellhueError("no such file: out of memory.h5ad"),
      "bad_alloc",
    ])
      expect(shortageError(error)).toBe(error);
  });
});
