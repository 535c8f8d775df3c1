// One tick for every countdown of a page, so that they all change at the same moment.

import { useEffect, useState } from "preact/hooks";

const listeners = new Set<() => void>();
let timer = 0;
const TICK_MS = 250;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === 0) {
    timer = window.setInterval(() => {
      for (const each of listeners) each();
    }, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = 0;
    }
  };
}

/** The server's time, to the quarter second. Draws again only when `ticking`. */
export function useServerTime(skewMs: number, ticking = true): number {
  const [, setTick] = useState(0);
  useEffect(() => (ticking ? subscribe(() => setTick(Math.floor(Date.now() / TICK_MS))) : undefined), [ticking]);
  return Date.now() + skewMs;
}

