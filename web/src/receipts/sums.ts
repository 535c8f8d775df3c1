// What orders gave, read off the lines in their receipts: pure, and nothing added up that is not a line.

import { leafOf } from "../verify/check";
import type { Receipt } from "../verify/receipt";

export type Standing = "waiting" | "nothing" | "accrued" | "confirmed" | "reversed";

export interface PartGift {
  readonly project: string;
  readonly accrued: bigint;
  readonly reversed: bigint;
  /** Less what was reversed of it. */
  readonly confirmed: bigint;
  /** By sponsors, apart. */
  readonly matched: bigint;
}

export interface OrderGift {
  readonly currency: string;
  readonly parts: readonly PartGift[];
  readonly standing: Standing;
  /** The line that a code leads to: the accrual. */
  readonly leaf: number | undefined;
}

type Growing = { -readonly [K in keyof PartGift]: PartGift[K] };

/** Throws when a line is none; the verifier says which. */
export function giftOf(receipt: Receipt): OrderGift {
  const parts = new Map<number, Growing>();
  const byProject = new Map<string, Growing>();
  const poolProject = new Map<string, string>();
  let leafAt: number | undefined;
  const ofProject = (project: string): Growing => {
    const known = byProject.get(project) ?? { project, accrued: 0n, reversed: 0n, confirmed: 0n, matched: 0n };
    byProject.set(project, known);
    return known;
  };
  for (const { index, leaf: written } of receipt.entries) {
    const leaf = leafOf(written, index);
    if (leaf.kind === "accrual") {
      leafAt ??= index;
      const part = ofProject(leaf.project);
      parts.set(leaf.part, part);
      part.accrued += BigInt(leaf.amount);
    } else if (leaf.kind === "reversal" || leaf.kind === "confirmation") {
      const part = parts.get(leaf.part);
      if (part === undefined) continue;
      const amount = BigInt(leaf.amount);
      if (leaf.kind === "confirmation") part.confirmed += amount;
      else part.reversed += amount;
      if (leaf.kind === "reversal" && leaf.confirmed) part.confirmed -= amount;
    } else if (leaf.kind === "match") {
      poolProject.set(leaf.pool, leaf.project);
      ofProject(leaf.project).matched += BigInt(leaf.amount);
    } else if (leaf.kind === "unmatch") {
      ofProject(poolProject.get(leaf.pool) ?? "").matched -= BigInt(leaf.amount);
    }
  }
  const given = [...byProject.values()];
  return { currency: receipt.charity.currency || receipt.paid.currency, parts: given, standing: standingOf(given, receipt.waiting), leaf: leafAt };
}

function standingOf(parts: readonly PartGift[], waiting: number): Standing {
  const accrued = sum(parts, (part) => part.accrued);
  const stands = accrued - sum(parts, (part) => part.reversed);
  if (accrued === 0n) return waiting > 0 ? "waiting" : "nothing";
  if (stands === 0n) return "reversed";
  return sum(parts, (part) => part.confirmed) >= stands ? "confirmed" : "accrued";
}

export interface Totals extends PartGift {
  readonly currency: string;
  readonly orders: number;
}

/** For each currency: in all, and for each project, the largest first. */
export function totalsOf(gifts: readonly OrderGift[]): readonly { readonly all: Totals; readonly projects: readonly Totals[] }[] {
  const currencies = [...new Set(gifts.filter(({ parts }) => parts.length > 0).map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const mine = gifts.filter((gift) => gift.currency === currency && gift.parts.length > 0);
    const names = [...new Set(mine.flatMap(({ parts }) => parts.map(({ project }) => project)))];
    const of = (project: string, chosen: readonly OrderGift[], parts: readonly PartGift[]): Totals => ({
      currency,
      project,
      orders: chosen.length,
      accrued: sum(parts, (part) => part.accrued),
      reversed: sum(parts, (part) => part.reversed),
      confirmed: sum(parts, (part) => part.confirmed),
      matched: sum(parts, (part) => part.matched),
    });
    const projects = names.map((name) => {
      const chosen = mine.filter(({ parts }) => parts.some(({ project }) => project === name));
      return of(name, chosen, chosen.flatMap(({ parts }) => parts.filter(({ project }) => project === name)));
    });
    projects.sort((one, other) => Number(other.accrued - other.reversed - (one.accrued - one.reversed)));
    return { all: of("", mine, mine.flatMap(({ parts }) => parts)), projects };
  });
}

export function sum(parts: readonly PartGift[], of: (part: PartGift) => bigint): bigint {
  return parts.reduce((all, part) => all + of(part), 0n);
}
