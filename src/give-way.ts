/** Lets timers, signals (Ctrl-C) and bars have their turn within long work. */
export const giveWay = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
