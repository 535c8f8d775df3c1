// What may be said of the rules, and of everything, with what was heard and how old it is. Nothing is well of which nobody has heard lately.

import { Severity, type Light, type OpsAlert, type Overview } from "../gen/apricot/v1/ops_pb";
import { STALLED_MS } from "./feed";

const OVERVIEW_LATE_MS = 8_000;
/** The server looks every 15 s, and after an audit rests 20 times as long as that took: after this nobody looks any more. */
const LIGHTS_OLD_MS = 5 * 60_000;
const LIGHTS_OLD_TIMES = 25;

/** Broken stays broken until somebody looks again. */
export type Kept = "kept" | "broken" | "unknown";

/** How the lights stand as a whole: since when nobody has looked, and whether that is too long. */
export interface Reading {
  /** Undefined: the record has not been read yet. */
  readonly ageMs: number | undefined;
  readonly old: boolean;
}

/** Both times of the overview are the server's, and only how long the page has had it is ours: a device's clock may be wrong. */
export function readingOf(overview: Overview, readAtMs: number, nowMs: number): Reading {
  if (overview.lightsAtMs === 0n) return { ageMs: undefined, old: false };
  const ageMs = Math.max(0, Number(overview.serverTimeMs - overview.lightsAtMs)) + Math.max(0, nowMs - readAtMs);
  return { ageMs, old: ageMs > Math.max(LIGHTS_OLD_MS, LIGHTS_OLD_TIMES * overview.lightsTookMs) };
}

/** `off`: what the server counts for each overview anew says of the same rule. */
export function keptOf(light: Light | undefined, reading: Reading, off = 0): Kept {
  if (off > 0 || (light?.violations ?? 0) > 0) return "broken";
  return light === undefined || reading.ageMs === undefined || reading.old ? "unknown" : "kept";
}

export interface Heard {
  readonly alerts: readonly OpsAlert[];
  readonly silentMs: number;
  /** Before the first reading of the feed. */
  readonly opening: boolean;
  readonly overview: Overview | undefined;
  readonly readAtMs: number;
  readonly nowMs: number;
}

export type Standing =
  | { readonly kind: "opening" | "good" }
  | { readonly kind: "warning" | "critical"; readonly number: number }
  | { readonly kind: "unread"; readonly ageMs: number }
  /** Nothing is known of now; `number` were not well when it was. */
  | { readonly kind: "blind"; readonly of: "feed" | "overview"; readonly forMs: number; readonly number: number };

export function standingOf(heard: Heard): Standing {
  const { alerts, silentMs, overview, readAtMs, nowMs } = heard;
  const broken = overview?.lights.filter(({ violations }) => violations > 0).length ?? 0;
  const unequal = (overview?.oversoldLots ?? 0) > 0 || Object.values(overview?.trialBalance?.sumMinor ?? {}).some((sum) => sum !== 0n);
  const number = Math.max(alerts.length, broken, unequal ? 1 : 0);
  const overviewMs = overview === undefined ? 0 : nowMs - readAtMs;
  if (silentMs > STALLED_MS) return { kind: "blind", of: "feed", forMs: silentMs, number };
  if (overviewMs > OVERVIEW_LATE_MS) return { kind: "blind", of: "overview", forMs: overviewMs, number };
  if (alerts.some(({ severity }) => severity === Severity.CRITICAL) || broken > 0 || unequal) return { kind: "critical", number };
  if (number > 0) return { kind: "warning", number };
  if (heard.opening || overview === undefined) return { kind: "opening" };
  const { ageMs, old } = readingOf(overview, readAtMs, nowMs);
  if (ageMs === undefined) return { kind: "opening" };
  return old ? { kind: "unread", ageMs } : { kind: "good" };
}
