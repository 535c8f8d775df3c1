// What the charts draw: each series is one number of an OpsReading, counts as rates per second, so that a second and a merged minute compare.

import type { LaneReading, OpsReading, Quantiles } from "../gen/apricot/v1/ops_pb";
import { Lane } from "../gen/apricot/v1/common_pb";

/** How the same moment of several nodes becomes one number. */
export type Merge = "sum" | "most" | "least";

interface Reader {
  readonly merge: Merge;
  /** NaN: nothing was measured. */
  readonly of: (reading: OpsReading) => number;
}

/** Rules that refuse a request to buy; what else refuses is gathered. */
export const RULES = ["sold-out", "limit-reached", "sale-paused", "busy", "not-now"] as const;
/** Events of the payment provider; what else comes is gathered. */
export const EVENTS = ["authorised", "captured", "declined", "refunded", "seen"] as const;

const LANES = { critical: Lane.CRITICAL, state: Lane.STATE, chat: Lane.CHAT } as const;
export type LaneName = keyof typeof LANES;
export const LANE_NAMES = Object.keys(LANES) as readonly LaneName[];
export const QUANTILES = ["p50", "p95", "p99"] as const;
type Quantile = (typeof QUANTILES)[number];

type Known =
  | `deliveries.${LaneName}`
  | `delay.${LaneName}.${Quantile}`
  | `commit.${Quantile}`
  | `batch.${Quantile}`
  | `publish.${Quantile}`
  | `gateBatch.${Quantile}`
  | `gateTime.${Quantile}`
  | `refused.${(typeof RULES)[number] | "other"}`
  | `event.${(typeof EVENTS)[number] | "other"}`
  | "connections"
  | "joins"
  | "flushes"
  | "skipped"
  | "blocked"
  | "slow"
  | "closed"
  | "granted"
  | "expired"
  | "paid"
  | "commits"
  | "record"
  | "gate"
  | "poolUsed"
  | "poolWaiting"
  | "primaries"
  | "replicas"
  | "redisUsed"
  | "redisLimit"
  | "clients"
  | "clientsLimit"
  | "lockWaits"
  | "oldest"
  | "recordSize"
  | "replicaLag"
  | "asked"
  | "waiting"
  | "cpu"
  | "memory"
  | "files";
export type Series = Known;

const lane = (reading: OpsReading, name: LaneName): LaneReading | undefined => reading.lanes.find((one) => one.lane === LANES[name]);
const seconds = (reading: OpsReading): number => Math.max(1, reading.overMs) / 1000;
const rate = (pick: (reading: OpsReading) => number | bigint): Reader => ({ merge: "sum", of: (reading) => Number(pick(reading)) / seconds(reading) });
const level = (pick: (reading: OpsReading) => number | bigint, merge: Merge = "sum"): Reader => ({ merge, of: (reading) => Number(pick(reading)) });
const spread = (pick: (reading: OpsReading) => Quantiles | undefined, quantile: Quantile, scale: number): Reader => ({
  merge: "most",
  of: (reading) => (pick(reading)?.[quantile] ?? Number.NaN) * scale,
});
const byName = (pick: (reading: OpsReading) => Readonly<Record<string, bigint>>, names: readonly string[], name: string): Reader =>
  rate((reading) => {
    const counts = pick(reading);
    if (name !== "other") return counts[name] ?? 0n;
    return Object.entries(counts).reduce((all, [key, count]) => (names.includes(key) ? all : all + count), 0n);
  });

const MICROS_TO_MS = 1 / 1000;

const READERS = new Map<Series, Reader>([
  ...LANE_NAMES.map((name): [Series, Reader] => [`deliveries.${name}`, rate((reading) => lane(reading, name)?.deliveries ?? 0n)]),
  ...LANE_NAMES.flatMap((name) =>
    QUANTILES.map((quantile): [Series, Reader] => [`delay.${name}.${quantile}`, spread((reading) => lane(reading, name)?.delayUs, quantile, MICROS_TO_MS)]),
  ),
  ...QUANTILES.flatMap((quantile): [Series, Reader][] => [
    [`commit.${quantile}`, spread(({ commitUs }) => commitUs, quantile, MICROS_TO_MS)],
    [`batch.${quantile}`, spread(({ batch }) => batch, quantile, 1)],
    [`publish.${quantile}`, spread(({ publishUs }) => publishUs, quantile, MICROS_TO_MS)],
    [`gateBatch.${quantile}`, spread(({ gateBatch }) => gateBatch, quantile, 1)],
    [`gateTime.${quantile}`, spread(({ gateUs }) => gateUs, quantile, MICROS_TO_MS)],
  ]),
  ...[...RULES, "other" as const].map((name): [Series, Reader] => [`refused.${name}`, byName(({ refused }) => refused, RULES, name)]),
  ...[...EVENTS, "other" as const].map((name): [Series, Reader] => [`event.${name}`, byName(({ paymentEvents }) => paymentEvents, EVENTS, name)]),
  ["connections", level(({ connections }) => connections)],
  ["joins", rate(({ joins }) => joins)],
  ["flushes", rate(({ flushes }) => flushes)],
  ["skipped", rate(({ chatSkipped }) => chatSkipped)],
  ["blocked", rate(({ writesBlocked }) => writesBlocked)],
  ["slow", rate(({ closedSlow }) => closedSlow)],
  ["closed", rate(({ closedOther }) => closedOther)],
  ["granted", rate(({ holdsGranted }) => holdsGranted)],
  ["expired", rate(({ holdsExpired }) => holdsExpired)],
  ["paid", rate(({ ordersPaid }) => ordersPaid)],
  ["commits", rate(({ commits }) => commits)],
  ["record", level(({ recordUp }) => (recordUp ? 1 : 0), "least")],
  ["gate", level(({ gateUp }) => (gateUp ? 1 : 0), "least")],
  ["poolUsed", level(({ poolInUse }) => poolInUse)],
  ["poolWaiting", level(({ poolWaiting }) => poolWaiting)],
  // Every node says them of the same servers.
  ["primaries", level(({ redisPrimaries }) => redisPrimaries, "least")],
  ["replicas", level(({ redisReplicas }) => redisReplicas, "least")],
  ["redisUsed", level(({ redisMemoryBytes }) => redisMemoryBytes, "most")],
  ["redisLimit", level(({ redisMemoryLimitBytes }) => (redisMemoryLimitBytes === 0n ? Number.NaN : redisMemoryLimitBytes), "most")],
  ["clients", level(({ recordConnections }) => recordConnections, "most")],
  ["clientsLimit", level(({ recordConnectionsLimit }) => (recordConnectionsLimit === 0 ? Number.NaN : recordConnectionsLimit), "most")],
  ["lockWaits", level(({ recordLockWaits }) => recordLockWaits, "most")],
  ["oldest", level(({ recordOldestMs }) => recordOldestMs, "most")],
  ["recordSize", level(({ recordSizeBytes }) => recordSizeBytes, "most")],
  ["replicaLag", level(({ recordReplicaLagBytes }) => recordReplicaLagBytes, "most")],
  ["asked", rate(({ providerTasks }) => providerTasks)],
  ["waiting", level(({ providerWaiting }) => providerWaiting)],
  ["cpu", level(({ cpuPpm }) => cpuPpm / 1_000_000)],
  ["memory", level(({ memoryBytes }) => memoryBytes)],
  ["files", level(({ openFiles }) => openFiles)],
]);

/** In the order of a row of the ring. */
export const ALL: readonly Series[] = [...READERS.keys()];
const PLACES = new Map(ALL.map((series, at) => [series, at]));
const ORDERED: readonly Reader[] = [...READERS.values()];

export function placeOf(series: Series): number {
  return PLACES.get(series) ?? 0;
}

export function mergeOf(series: Series): Merge {
  return READERS.get(series)?.merge ?? "sum";
}

/** Writes a reading's numbers into `row`, which has a place for each of ALL. */
export function numbersInto(row: Float64Array, reading: OpsReading): void {
  for (const [at, reader] of ORDERED.entries()) row[at] = reader.of(reading);
}
