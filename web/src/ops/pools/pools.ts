// How a pool and its slots stand at some time, and what adds up to what. Pure.

import type { MatchPool, MatchTier, PoolSlot } from "../../gen/apricot/v1/pool_pb";

export type SlotState = "soon" | "open" | "drained" | "over";
export type PoolState = SlotState | "frozen";

type Slot = Pick<PoolSlot, "opensAtMs" | "closesAtMs" | "leftMinor">;

/** Open from its first millisecond to before its last, and drained while it is open and nothing is left. */
export function slotState(slot: Slot, nowMs: number): SlotState {
  if (nowMs < Number(slot.opensAtMs)) return "soon";
  if (nowMs >= Number(slot.closesAtMs)) return "over";
  return slot.leftMinor > 0n ? "open" : "drained";
}

/** Of all its slots the one that is on, or else the next one, decides. */
export function poolState(pool: { readonly frozen: boolean; readonly slots: readonly Slot[] }, nowMs: number): PoolState {
  if (pool.frozen) return "frozen";
  const states = pool.slots.map((slot) => slotState(slot, nowMs));
  return (["open", "drained", "soon"] as const).find((state) => states.includes(state)) ?? "over";
}

/** What is on now first, then what comes next, then what is over, the latest first. Frozen ones stand where they would without it. */
export function inOrder<P extends { readonly id: string; readonly slots: readonly Slot[] }>(pools: readonly P[], nowMs: number): readonly P[] {
  const placed = pools.map((pool) => ({ pool, place: placeOf(pool.slots, nowMs) }));
  placed.sort((one, other) => one.place[0] - other.place[0] || one.place[1] - other.place[1] || (one.pool.id < other.pool.id ? -1 : 1));
  return placed.map(({ pool }) => pool);
}

function placeOf(slots: readonly Slot[], nowMs: number): readonly [number, number] {
  const on = slots.find((slot) => ["open", "drained"].includes(slotState(slot, nowMs)));
  if (on !== undefined) return [0, -Number(on.opensAtMs)];
  const next = slots.find((slot) => slotState(slot, nowMs) === "soon");
  if (next !== undefined) return [1, Number(next.opensAtMs)];
  return [2, -Number(slots.at(-1)?.closesAtMs ?? 0)];
}

/** Where to begin, so that `most` of them have the first that is not over. */
export function firstShown(slots: readonly Slot[], nowMs: number, most: number): number {
  const first = slots.findIndex((slot) => slotState(slot, nowMs) !== "over");
  return Math.max(0, Math.min(first === -1 ? slots.length : first, slots.length - most));
}

export interface Sums {
  readonly budget: bigint;
  readonly spent: bigint;
  readonly left: bigint;
}

export function sumsOf(slots: readonly Pick<PoolSlot, "budgetMinor" | "spentMinor" | "leftMinor">[]): Sums {
  const sum = (of: "budgetMinor" | "spentMinor" | "leftMinor"): bigint => slots.reduce((all, slot) => all + slot[of], 0n);
  return { budget: sum("budgetMinor"), spent: sum("spentMinor"), left: sum("leftMinor") };
}

/** Of a bar's length, 0 to 100. What is more than nothing can be seen, and what is not all of it leaves a gap. */
export function lengthOf(part: bigint, whole: bigint): number {
  if (whole <= 0n || part <= 0n) return 0;
  if (part >= whole) return 100;
  return Math.min(99, Math.max(1, Number((part * 1000n) / whole) / 10));
}

/** The chance that an order draws nothing. */
export function nothingPpm(tiers: readonly Pick<MatchTier, "chancePpm">[]): number {
  return Math.max(0, 1_000_000 - tiers.reduce((sum, { chancePpm }) => sum + chancePpm, 0));
}

/** The pools that are frozen, as a text that stays the same as long as they do. */
export function frozenIds(pools: readonly Pick<MatchPool, "id" | "frozen">[]): string {
  return pools
    .flatMap(({ id, frozen }) => (frozen ? [id] : []))
    .sort()
    .join(" ");
}

/** Every digit of it: a chance of one in a million is not 0 %. */
export function percentOf(ppm: number): string {
  return `${ppm / 10_000}%`;
}
