/** What can train and predict, by onnxruntime's names of its execution providers. See graph/device.ts. */
export const devices = ["cpu", "cuda", "coreml", "dml", "webgpu"] as const;
export type Device = (typeof devices)[number];
