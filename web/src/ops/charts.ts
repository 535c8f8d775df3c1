// Which charts there are and what each line of them is. Titles and words are in the catalogue under the same names.

import { EVENTS, LANE_NAMES, QUANTILES, RULES, type Series } from "./series";
import type { OpsCatalogue } from "./text/zh-CN";
import type { Unit } from "./units";

export type Ink = "chart-1" | "chart-2" | "chart-3" | "chart-4" | "chart-5" | "chart-6";

export interface Line {
  readonly series: Series;
  readonly name: keyof OpsCatalogue["lines"];
  readonly ink: Ink;
  /** Lines are told apart without their colours. */
  readonly dash?: readonly number[];
  readonly width?: number;
}

export interface ChartPlan {
  readonly id: keyof OpsCatalogue["charts"];
  readonly unit: Unit;
  readonly log?: boolean;
  readonly lines: readonly Line[];
}

const DASH = { p50: [], p95: [7, 4], p99: [2, 3] } as const;
const INKS: readonly Ink[] = ["chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-6"];
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];

function spread(of: "commit" | "batch" | "publish" | "gateBatch" | "gateTime" | `delay.${(typeof LANE_NAMES)[number]}`): readonly Line[] {
  const inks = { p50: "chart-2", p95: "chart-5", p99: "chart-1" } as const;
  return QUANTILES.map((quantile) => ({ series: `${of}.${quantile}`, name: quantile, ink: inks[quantile], dash: DASH[quantile], width: quantile === "p99" ? 2.5 : 1.75 }));
}

function lines(...of: readonly (readonly [Series, keyof OpsCatalogue["lines"]])[]): readonly Line[] {
  return of.map(([series, name], at) => ({ series, name, ink: INKS[at % INKS.length] ?? "chart-1", dash: DASHES[at % DASHES.length] ?? [] }));
}

export const DELIVERIES: ChartPlan = {
  id: "deliveries",
  unit: "perSecond",
  lines: lines(["deliveries.critical", "critical"], ["deliveries.state", "state"], ["deliveries.chat", "chat"]),
};
export const DELAY_CRITICAL: ChartPlan = { id: "delayCritical", unit: "ms", log: true, lines: spread("delay.critical") };
const DELAY_STATE: ChartPlan = { id: "delayState", unit: "ms", log: true, lines: spread("delay.state") };
const DELAY_CHAT: ChartPlan = { id: "delayChat", unit: "ms", log: true, lines: spread("delay.chat") };
const WRITES: ChartPlan = {
  id: "writes",
  unit: "perSecond",
  lines: lines(["flushes", "flushes"], ["skipped", "skipped"], ["blocked", "blocked"]),
};
const CLOSES: ChartPlan = { id: "closes", unit: "perSecond", lines: lines(["slow", "closedSlow"], ["closed", "closedOther"], ["joins", "joins"]) };
const CONNECTIONS: ChartPlan = { id: "connections", unit: "count", lines: lines(["connections", "connections"]) };

export const HOLDS: ChartPlan = {
  id: "holds",
  unit: "perSecond",
  lines: lines(["granted", "granted"], ["paid", "paid"], ["expired", "expired"]),
};
const REFUSED: ChartPlan = {
  id: "refused",
  unit: "perSecond",
  lines: lines(...[...RULES, "other" as const].map((rule): [Series, keyof OpsCatalogue["lines"]] => [`refused.${rule}`, rule])),
};
export const COMMITS: ChartPlan = { id: "commits", unit: "perSecond", lines: lines(["commits", "commits"]) };
const BATCH: ChartPlan = { id: "batch", unit: "count", lines: spread("batch") };
const COMMIT_TIME: ChartPlan = { id: "commitTime", unit: "ms", log: true, lines: spread("commit") };
const STORES: ChartPlan = { id: "stores", unit: "upDown", lines: lines(["record", "record"], ["gate", "gate"]) };
const PUBLISH: ChartPlan = { id: "publish", unit: "ms", log: true, lines: spread("publish") };
const GATE_BATCH: ChartPlan = { id: "gateBatch", unit: "count", lines: spread("gateBatch") };
const GATE_TIME: ChartPlan = { id: "gateTime", unit: "ms", log: true, lines: spread("gateTime") };
const REDIS: ChartPlan = { id: "redis", unit: "count", lines: lines(["primaries", "primaries"], ["replicas", "replicas"]) };
const REDIS_MEMORY: ChartPlan = { id: "redisMemory", unit: "bytes", lines: lines(["redisUsed", "redisUsed"], ["redisLimit", "redisLimit"]) };
const RECORD: ChartPlan = { id: "recordClients", unit: "count", lines: lines(["clients", "clients"], ["clientsLimit", "clientsLimit"], ["lockWaits", "lockWaits"]) };
const RECORD_SIZE: ChartPlan = { id: "recordSize", unit: "bytes", lines: lines(["recordSize", "recordSize"], ["replicaLag", "replicaLag"]) };
const RECORD_OLDEST: ChartPlan = { id: "recordOldest", unit: "ms", lines: lines(["oldest", "oldest"]) };
const POOL: ChartPlan = { id: "pool", unit: "count", lines: lines(["poolUsed", "poolUsed"], ["poolWaiting", "poolWaiting"]) };
const CPU: ChartPlan = { id: "cpu", unit: "share", lines: lines(["cpu", "cpu"]) };
const MEMORY: ChartPlan = { id: "memory", unit: "bytes", lines: lines(["memory", "memory"]) };
const FILES: ChartPlan = { id: "files", unit: "count", lines: lines(["files", "files"]) };

const PAYMENTS: ChartPlan = {
  id: "payments",
  unit: "perSecond",
  lines: lines(...[...EVENTS, "other" as const].map((event): [Series, keyof OpsCatalogue["lines"]] => [`event.${event}`, event])),
};
const PROVIDER: ChartPlan = { id: "provider", unit: "count", lines: lines(["waiting", "waiting"], ["asked", "asked"]) };

export const GROUPS = {
  overview: [DELIVERIES, DELAY_CRITICAL, HOLDS, COMMIT_TIME],
  delivery: [DELIVERIES, DELAY_CRITICAL, DELAY_STATE, DELAY_CHAT, WRITES, CLOSES, CONNECTIONS, CPU, MEMORY, FILES],
  record: [HOLDS, REFUSED, COMMITS, COMMIT_TIME, BATCH, STORES, GATE_BATCH, GATE_TIME, REDIS, REDIS_MEMORY, PUBLISH, POOL, RECORD, RECORD_SIZE, RECORD_OLDEST],
  money: [PAYMENTS, PROVIDER],
} as const satisfies Record<string, readonly ChartPlan[]>;
