import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { LightSchema, OpsAlertSchema, OverviewSchema, Severity, type Overview } from "../gen/apricot/v1/ops_pb";
import { create } from "../wire/messages";
import { keptOf, readingOf, standingOf, type Heard } from "./standing";

const SERVER_MS = 1_790_000_000_000;
const MINUTE_MS = 60_000;
/** A device whose clock says something else altogether. */
const OURS_MS = 1_000_000;

const overview = (more: MessageInitShape<typeof OverviewSchema> = {}): Overview =>
  create(OverviewSchema, { serverTimeMs: BigInt(SERVER_MS), lightsAtMs: BigInt(SERVER_MS - 20_000), lightsTookMs: 40, lights: [{ name: "caps_kept" }], ...more });
const lookedBefore = (ms: number, more: MessageInitShape<typeof OverviewSchema> = {}) => overview({ lightsAtMs: BigInt(SERVER_MS - ms), ...more });

test("how long nobody has looked is said by the server's clock, and grows while the page holds an overview", () => {
  expect(readingOf(overview(), OURS_MS, OURS_MS)).toEqual({ ageMs: 20_000, old: false });
  expect(readingOf(overview(), OURS_MS, OURS_MS + 3_000)).toEqual({ ageMs: 23_000, old: false });
  expect(readingOf(overview({ lightsAtMs: 0n }), OURS_MS, OURS_MS)).toEqual({ ageMs: undefined, old: false });
});

test.each([
  ["four minutes are no news", 4 * MINUTE_MS, 40, false],
  ["six minutes are too long", 6 * MINUTE_MS, 40, true],
  ["an audit of a minute is followed by twenty of rest", 22 * MINUTE_MS, MINUTE_MS, false],
  ["and even then there is an end", 26 * MINUTE_MS, MINUTE_MS, true],
])("%s", (_, agoMs, lightsTookMs, old) => {
  expect(readingOf(lookedBefore(agoMs, { lightsTookMs }), OURS_MS, OURS_MS).old).toBe(old);
});

test("a light is green only while somebody looks; a broken one stays broken", () => {
  const [fresh, old, never] = [readingOf(overview(), 0, 0), readingOf(lookedBefore(6 * MINUTE_MS), 0, 0), readingOf(overview({ lightsAtMs: 0n }), 0, 0)];
  const light = (violations: number) => create(LightSchema, { name: "caps_kept", violations });
  expect([fresh, old, never].map((reading) => keptOf(light(0), reading))).toEqual(["kept", "unknown", "unknown"]);
  expect([fresh, old].map((reading) => keptOf(light(2), reading))).toEqual(["broken", "broken"]);
  expect([fresh, old].map((reading) => keptOf(undefined, reading))).toEqual(["unknown", "unknown"]);
  expect(keptOf(light(0), fresh, 1), "the overview counts one itself").toBe("broken");
});

test("all is well only with a feed that speaks, an overview of now and rules that were looked at", () => {
  const well: Heard = { alerts: [], silentMs: 900, opening: false, overview: overview(), readAtMs: OURS_MS, nowMs: OURS_MS + 1_500 };
  const alert = (severity: Severity) => create(OpsAlertSchema, { kind: "chat-slow", severity });
  const standing = (more: Partial<Heard> = {}) => standingOf({ ...well, ...more });
  expect(standing()).toEqual({ kind: "good" });
  expect(standing({ overview: lookedBefore(6 * MINUTE_MS) })).toEqual({ kind: "unread", ageMs: 6 * MINUTE_MS + 1_500 });
  expect(standing({ overview: overview({ lightsAtMs: 0n, lights: [] }) }), "just started").toEqual({ kind: "opening" });
  expect(standing({ overview: undefined })).toEqual({ kind: "opening" });
  expect(standing({ opening: true })).toEqual({ kind: "opening" });
  expect(standing({ silentMs: 4_500 })).toEqual({ kind: "blind", of: "feed", forMs: 4_500, number: 0 });
  expect(standing({ nowMs: OURS_MS + 9_000 })).toEqual({ kind: "blind", of: "overview", forMs: 9_000, number: 0 });
  expect(standing({ alerts: [alert(Severity.WARNING)] })).toEqual({ kind: "warning", number: 1 });
  expect(standing({ alerts: [alert(Severity.WARNING), alert(Severity.CRITICAL)] })).toEqual({ kind: "critical", number: 2 });
  const broken = { lights: [{ name: "caps_kept", violations: 3 }] };
  expect(standing({ overview: overview(broken) })).toEqual({ kind: "critical", number: 1 });
  expect(standing({ overview: lookedBefore(6 * MINUTE_MS, broken) }), "what was broken is no less so").toEqual({ kind: "critical", number: 1 });
  expect(standing({ overview: overview({ oversoldLots: 1 }) })).toEqual({ kind: "critical", number: 1 });
  expect(standing({ overview: overview({ trialBalance: { sumMinor: { CNY: -1n } } }) })).toEqual({ kind: "critical", number: 1 });
});
