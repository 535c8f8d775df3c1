// A pledge while it is written: text until it is sent.

import type { MessageInitShape } from "@bufbuild/protobuf";

import { PledgeBase, Rounding, type PledgeSchema } from "../../gen/apricot/v1/charity_pb";
import { hashOf } from "../../projects/hash";
import { fromDecimal, ppmFrom } from "../../typed";

export interface DraftPart {
  readonly id: string;
  readonly title: string;
  readonly weight: string;
}

export interface PledgeDraft {
  readonly parts: readonly DraftPart[];
  readonly base: "price" | "unit";
  readonly percent: string;
  readonly perUnit: string;
  readonly cap: string;
  /** "2026-12-01" */
  readonly from: string;
  readonly until: string;
  readonly hash: string;
}

export const PARTS_MAX = 5;
export const EMPTY_PLEDGE: PledgeDraft = { parts: [], base: "price", percent: "5", perUnit: "", cap: "", from: "", until: "", hash: "" };

export type Mistake = "parts" | "weight" | "share" | "unit" | "cap" | "period" | "hash";

export function weightOf(text: string): number | undefined {
  const plain = text.normalize("NFKC").trim();
  const weight = /^\d{1,4}$/.test(plain) ? Number(plain) : 0;
  return weight >= 1 && weight <= 1_000 ? weight : undefined;
}

/** 0.01 to 100 %. */
export function ppmOf(text: string): number | undefined {
  return ppmFrom(text, 100, 1_000_000);
}

/** Midnight where the host is; undefined: no day. */
function startOf(day: string, later = 0): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  return match === null ? undefined : new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + later).getTime();
}

export function readPledgeDraft(draft: PledgeDraft, nowMs: number): { readonly pledge: MessageInitShape<typeof PledgeSchema> } | { readonly mistakes: ReadonlySet<Mistake> } {
  const mistakes = new Set<Mistake>();
  const parts = draft.parts.map(({ id, weight }) => ({ projectId: id, weight: weightOf(weight) ?? 0 }));
  if (parts.length < 1 || parts.length > PARTS_MAX) mistakes.add("parts");
  if (parts.some(({ weight }) => weight === 0)) mistakes.add("weight");
  const ppm = ppmOf(draft.percent);
  if (draft.base === "price" && ppm === undefined) mistakes.add("share");
  const unit = fromDecimal(draft.perUnit) ?? 0n;
  if (draft.base === "unit" && unit === 0n) mistakes.add("unit");
  const cap = draft.cap.trim() === "" ? undefined : (fromDecimal(draft.cap) ?? 0n);
  if (cap === 0n) mistakes.add("cap");
  const from = startOf(draft.from);
  const until = startOf(draft.until, 1);
  if (until !== undefined && (until <= nowMs || (from !== undefined && until <= from))) mistakes.add("period");
  const hash = hashOf(draft.hash);
  if (hash === undefined) mistakes.add("hash");
  if (mistakes.size > 0 || hash === undefined) return { mistakes };
  return {
    pledge: {
      parts,
      ...(draft.base === "price" ? { base: PledgeBase.PAID_PRICE, sharePpm: ppm ?? 0 } : { base: PledgeBase.PER_UNIT, perUnit: { minor: unit, currency: "CNY" } }),
      ...(cap === undefined ? {} : { cap: { minor: cap, currency: "CNY" } }),
      startsAtMs: BigInt(from ?? 0),
      endsAtMs: BigInt(until ?? 0),
      rounding: Rounding.DOWN,
      agreementSha256: hash,
    },
  };
}
