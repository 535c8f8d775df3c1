// Draws all charts that can be seen in one frame, once a second: a page left open all night must not warm the machine.

export interface Painted {
  /** Takes the newest numbers and draws. */
  readonly paint: () => void;
  readonly seen: () => boolean;
}

const EVERY_MS = 1_000;

const charts = new Set<Painted>();
let timer = 0;

function frame(): void {
  for (const chart of charts) if (chart.seen()) chart.paint();
}

function tick(): void {
  if (!document.hidden) requestAnimationFrame(frame);
}

/** Returns what ends it. */
export function paintEachSecond(chart: Painted): () => void {
  charts.add(chart);
  if (timer === 0) timer = window.setInterval(tick, EVERY_MS);
  return () => {
    charts.delete(chart);
    if (charts.size > 0) return;
    clearInterval(timer);
    timer = 0;
  };
}
