// The board's numbers, as the newest tallies have them: which answer is newer, what a place gives, what a day added. Pure.

import type { Board, BoardRow } from "../gen/apricot/v1/log_pb";
import { provinceOf, type Province } from "./provinces";

/** An answer that was slow on the way, or came from a node that is behind, never replaces one of a longer log. */
export function later(known: Board | undefined, fresh: Board): Board {
  return known !== undefined && fresh.logSize < known.logSize ? known : fresh;
}

export const standing = (row: BoardRow): bigint => row.grossAccruedMinor - row.grossReversedMinor;
export const matched = (row: BoardRow): bigint => row.grossMatchedMinor - row.grossUnmatchedMinor;

export function currenciesOf(board: Board): readonly string[] {
  return board.all.map(({ currency }) => currency);
}

/** The most given first. */
export function rowsIn(rows: readonly BoardRow[], currency: string): readonly BoardRow[] {
  const mine = rows.filter((row) => row.currency === currency);
  return mine.sort((one, other) => (standing(one) === standing(other) ? (one.key < other.key ? -1 : 1) : standing(one) > standing(other) ? -1 : 1));
}

export interface Place {
  readonly row: BoardRow;
  readonly province: Province | undefined;
}

export function placesOf(rows: readonly BoardRow[]): readonly Place[] {
  return rows.map((row) => ({ row, province: provinceOf(row.key) }));
}

export interface Days {
  /** Seconds since 1970, at midnight of UTC: a day is a day, wherever it is read. */
  readonly at: number[];
  readonly accrued: bigint[];
  readonly standing: bigint[];
  /** Of each day that has one: the leaf that states its last tally. */
  readonly leaf: (bigint | undefined)[];
}

const DAY_S = 86_400;
/** A year and a month: more has no room on a screen. */
const DAYS_MAX = 400;

/** A day without a tally added nothing. */
export function daysOf(rows: readonly BoardRow[], currency: string): Days {
  const days: Days = { at: [], accrued: [], standing: [], leaf: [] };
  let gross = 0n;
  let stands = 0n;
  const mine = rows.filter((row) => row.currency === currency).flatMap((row) => (secondsOf(row.key) === undefined ? [] : [{ row, at: secondsOf(row.key) ?? 0 }]));
  mine.sort((one, other) => one.at - other.at);
  for (const { row, at } of mine.slice(-DAYS_MAX)) {
    const before = days.at.at(-1);
    for (let gap = (before ?? at) + DAY_S; before !== undefined && gap < at && days.at.length < 2 * DAYS_MAX; gap += DAY_S) push(gap, 0n, stands, undefined);
    push(at, row.grossAccruedMinor - gross, standing(row), row.tallyLeaf);
    [gross, stands] = [row.grossAccruedMinor, standing(row)];
  }
  function push(at: number, accrued: bigint, whole: bigint, leaf: bigint | undefined): void {
    days.at.push(at);
    days.accrued.push(accrued);
    days.standing.push(whole);
    days.leaf.push(leaf);
  }
  return days;
}

function secondsOf(day: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms / 1000;
}
