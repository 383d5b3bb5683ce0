import { throwIfAborted } from "./errors.js";

/** Lets timers, bars and signals (Ctrl-C) have their turn within long work. @throws InterruptedError */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  throwIfAborted(signal);
}
