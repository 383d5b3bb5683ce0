/** Text out of a weight file for a message: names there are data, so control characters never reach a terminal. */
export function quoted(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 117)}…` : text;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A shape as people write it, "64×3×7×7"; a scalar's is "scalar". */
export function shapeText(dims: readonly number[]): string {
  if (dims.length === 0) return "scalar";
  return dims.length > 8 ? `${dims.slice(0, 8).join("×")}×… (${dims.length} dimensions)` : dims.join("×");
}
