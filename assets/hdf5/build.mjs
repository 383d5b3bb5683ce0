// lzf.wat → libH5Zlzf.so. Usage: node build.mjs [path of wat2wasm]
// wat2wasm makes the module; a side module also needs the section "dylink.0" in front, which it cannot write.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
execFileSync(process.argv[2] ?? "wat2wasm", [at("lzf.wat"), "-o", at("libH5Zlzf.so")]);
const module = readFileSync(at("libH5Zlzf.so"));
// memory info: 64 bytes aligned to 2^4, 1 table entry aligned to 2^0
const info = [1, 4, 64, 4, 1, 0];
const name = Buffer.from("dylink.0");
const section = Buffer.from([0, 1 + name.length + info.length, name.length, ...name, ...info]);
writeFileSync(at("libH5Zlzf.so"), Buffer.concat([module.subarray(0, 8), section, module.subarray(8)]));
