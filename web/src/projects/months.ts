// Months as statements name them: as people in China have them, wherever the reader is.

const OFFSET_MS = 8 * 60 * 60 * 1_000;

/** "2026-11" */
export function monthOf(atMs: number): string {
  return new Date(atMs + OFFSET_MS).toISOString().slice(0, 7);
}

/** The newest first: this one and those before it, back to the one that something began in. */
export function monthsBack(nowMs: number, sinceMs: number, most: number): readonly string[] {
  const now = new Date(nowMs + OFFSET_MS);
  const all = Array.from({ length: most }, (_, back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
  const first = monthOf(Math.min(sinceMs, nowMs));
  return all.filter((month) => month >= first);
}
