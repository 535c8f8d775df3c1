// Numbers of charts as a tired person reads them: short, with a unit, the same width while they change.

import type { Language } from "../language";

export type Unit = "perSecond" | "count" | "ms" | "bytes" | "share" | "upDown";

const formats = new Map<string, Intl.NumberFormat>();

function format(language: Language, digits: number, compact: boolean): Intl.NumberFormat {
  const key = `${language}/${digits}/${compact}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  // Compact figures are the same letters everywhere: 12.3K is read faster than 1.23万 beside a clock.
  const made = new Intl.NumberFormat(compact ? "en" : language, { maximumFractionDigits: digits, ...(compact ? { notation: "compact" } : {}) });
  formats.set(key, made);
  return made;
}

function plain(value: number, language: Language): string {
  const size = Math.abs(value);
  if (size >= 10_000) return format(language, 1, true).format(value);
  return format(language, size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2, false).format(value);
}

const STEPS = ["B", "kB", "MB", "GB", "TB"] as const;

function bytes(value: number, language: Language): string {
  let left = value;
  let step = 0;
  while (Math.abs(left) >= 1000 && step < STEPS.length - 1) {
    left /= 1000;
    step += 1;
  }
  return `${format(language, left >= 100 || step === 0 ? 0 : 1, false).format(left)} ${STEPS[step] ?? ""}`;
}

/** With its unit, for legends, tiles and tables. */
export function shown(value: number | null | undefined, unit: Unit, language: Language): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  switch (unit) {
    case "perSecond":
      return `${plain(value, language)}/s`;
    case "count":
      return plain(value, language);
    case "ms":
      return value >= 1000 ? `${format(language, 2, false).format(value / 1000)} s` : `${format(language, value >= 100 ? 0 : value >= 1 ? 1 : 2, false).format(value)} ms`;
    case "bytes":
      return bytes(value, language);
    case "share":
      return `${format(language, value < 0.1 ? 1 : 0, false).format(value * 100)} %`;
    case "upDown":
      return value >= 1 ? "✓" : "✕";
  }
}
