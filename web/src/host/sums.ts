// Sums over what the record says of a room.

import type { RoomFigures, RoomMinute } from "../gen/apricot/v1/ops_pb";

const MINUTE_MS = 60_000;

interface Minutes {
  readonly at: number[];
  readonly viewers: (number | null)[];
  readonly orders: number[];
  readonly gmv: number[];
}

/** The record leaves empty minutes out. In them nothing was sold; how many watched is not known. */
export function filled(minutes: readonly RoomMinute[]): Minutes {
  const known = new Map(minutes.map((minute) => [Number(minute.atMs), minute]));
  const times = [...known.keys()];
  const out: Minutes = { at: [], viewers: [], orders: [], gmv: [] };
  if (times.length === 0) return out;
  for (let at = Math.min(...times); at <= Math.max(...times); at += MINUTE_MS) {
    const minute = known.get(at);
    out.at.push(at / 1000);
    out.viewers.push(minute?.viewers ?? null);
    out.orders.push(Number(minute?.ordersPaid ?? 0n));
    out.gmv.push(Number(minute?.gmvMinor ?? 0n) / 100);
  }
  return out;
}

/** What is the host's after everything that goes to others. */
export function netOf(figures: Pick<RoomFigures, "gmvMinor" | "refundedMinor" | "commissionMinor" | "providerFeeMinor" | "charityMinor">): bigint {
  return figures.gmvMinor - figures.refundedMinor - figures.commissionMinor - figures.providerFeeMinor - figures.charityMinor;
}

/** In parts per million, to a tenth of a percent: finer is noise. */
export function shareOf(part: bigint, whole: bigint): number {
  return Math.round((Number(part) / Number(whole)) * 1_000) * 1_000;
}
