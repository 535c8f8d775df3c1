// A pool while it is written: text until it is sent, and whose fault it is when it is refused.

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Problem } from "../../gen/apricot/v1/common_pb";
import type { CreatePoolSchema } from "../../gen/apricot/v1/pool_pb";
import { fromDecimal, ppmFrom } from "../../typed";

export interface DraftSlot {
  /** "2026-12-01T20:00", as this device's clock has it; "" opens at once. */
  readonly opens: string;
  readonly closes: string;
  readonly budget: string;
}

export interface DraftTier {
  readonly chance: string;
  readonly amount: string;
}

export const RULES = ["ratio", "draw", "hearts"] as const;
export type RuleName = (typeof RULES)[number];

export interface PoolDraft {
  readonly sponsor: string;
  readonly rule: RuleName;
  readonly percent: string;
  readonly tiers: readonly DraftTier[];
  readonly room: string;
  readonly hearts: string;
  readonly amount: string;
  readonly pledge: string;
  readonly project: string;
  readonly slots: readonly DraftSlot[];
  readonly dayCap: string;
  readonly projectCap: string;
  readonly minuteLimit: string;
  readonly currency: string;
}

/** The server takes more; who has so many writes to it. */
export const SLOTS_MAX = 24;
export const TIERS_MAX = 10;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A hundredfold. */
const RATIO_PPM_MAX = 100_000_000;
const COUNT_MAX = 2 ** 32 - 1;
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

/** Doubles gifts for an hour from now on, by at most so much for a buyer's day. */
export function emptyPool(nowMs: number): PoolDraft {
  return {
    sponsor: "",
    rule: "ratio",
    percent: "100",
    tiers: [{ chance: "10", amount: "" }],
    room: "",
    hearts: "100",
    amount: "",
    pledge: "",
    project: "",
    slots: [{ opens: "", closes: localTime(nowMs + HOUR_MS), budget: "" }],
    dayCap: "200",
    projectCap: "",
    minuteLimit: "30",
    currency: "CNY",
  };
}

/** Begins where the last one ends, and is as long and as large. */
export function slotAfter(slots: readonly DraftSlot[], nowMs: number): DraftSlot {
  const last = slots.at(-1);
  const closes = millis(last?.closes ?? "") ?? nowMs;
  const opens = millis(last?.opens ?? "") ?? Math.min(nowMs - (nowMs % MINUTE_MS), closes);
  return { opens: localTime(closes), closes: localTime(closes + Math.max(MINUTE_MS, closes - opens)), budget: last?.budget ?? "" };
}

/** As the field of a time wants it. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export type Kind = "sponsor" | "percent" | "tiers" | "chance" | "amount" | "room" | "hearts" | "pledge" | "project" | "opens" | "closes" | "budget" | "dayCap" | "projectCap" | "minuteLimit" | "currency";
/** A field; of several the kind and which one, counted from 0: "budget 1". */
export type Field = Kind | `${Kind} ${number}`;
/** What is wrong, with the bound that the server named, or "". */
export type Mistakes = ReadonlyMap<Field, string>;

export const kindOf = (field: Field): Kind => field.split(" ")[0] as Kind;

type Request = MessageInitShape<typeof CreatePoolSchema>;

export function readPoolDraft(draft: PoolDraft, nowMs: number): { readonly request: Request } | { readonly mistakes: Mistakes } {
  const mistakes = new Map<Field, string>();
  const wrong = (field: Field): void => void mistakes.set(field, "");
  const sponsor = draft.sponsor.trim();
  if (sponsor === "") wrong("sponsor");
  const currency = draft.currency.trim().toUpperCase();
  if (!/^[A-Z]{3}$/.test(currency)) wrong("currency");
  const digits = digitsOf(currency);
  const money = (text: string, field: Field): bigint => {
    const minor = fromDecimal(text, digits) ?? 0n;
    if (minor === 0n) wrong(field);
    return minor;
  };
  const cap = (text: string, field: Field): bigint => (text.trim() === "" ? 0n : money(text, field));
  const whole = (text: string, field: Field): number => {
    const plain = text.normalize("NFKC").trim();
    const number = /^\d{1,10}$/.test(plain) ? Number(plain) : 0;
    if (number < 1 || number > COUNT_MAX) wrong(field);
    return number;
  };
  const rule = ((): NonNullable<Request["terms"]>["rule"] => {
    switch (draft.rule) {
      case "ratio": {
        const ppm = ppmFrom(draft.percent, 1, RATIO_PPM_MAX);
        if (ppm === undefined) wrong("percent");
        return { case: "ratio", value: { ppm: ppm ?? 0 } };
      }
      case "draw": {
        const tiers = draft.tiers.map(({ chance, amount }, at) => {
          const chancePpm = ppmFrom(chance, 1, 1_000_000);
          if (chancePpm === undefined) wrong(`chance ${at}`);
          return { chancePpm: chancePpm ?? 0, amountMinor: money(amount, `amount ${at}`) };
        });
        if (chancesOf(draft.tiers) > 1_000_000) wrong("tiers");
        return { case: "draw", value: { tiers } };
      }
      case "hearts": {
        if (draft.room.trim() === "") wrong("room");
        if (draft.pledge.trim() === "") wrong("pledge");
        const hearts = whole(draft.hearts, "hearts");
        return { case: "hearts", value: { roomId: draft.room.trim(), hearts, amountMinor: money(draft.amount, "amount"), pledgeId: draft.pledge.trim().toLowerCase() } };
      }
    }
  })();
  const slots = draft.slots.map((slot, at) => {
    const opens = slot.opens === "" ? 0 : opening(slot.opens, nowMs);
    if (opens === undefined) wrong(`opens ${at}`);
    const closes = millis(slot.closes);
    if (closes === undefined || closes <= (opens === undefined || opens === 0 ? nowMs : opens)) wrong(`closes ${at}`);
    return { opensAtMs: BigInt(opens ?? 0), closesAtMs: BigInt(closes ?? 0), budgetMinor: money(slot.budget, `budget ${at}`) };
  });
  const terms = {
    project: draft.project.trim(),
    buyerDayCapMinor: cap(draft.dayCap, "dayCap"),
    projectCapMinor: cap(draft.projectCap, "projectCap"),
    buyerMinuteLimit: whole(draft.minuteLimit, "minuteLimit"),
    rule,
  };
  return mistakes.size > 0 ? { mistakes } : { request: { sponsor, currency, terms, slots } };
}

/** Of all tiers together, as far as they are written; what is missing to a million draws nothing. */
export function chancesOf(tiers: readonly DraftTier[]): number {
  return tiers.reduce((sum, { chance }) => sum + (ppmFrom(chance, 1, 1_000_000) ?? 0), 0);
}

const NAMED: Readonly<Record<string, Kind>> = {
  sponsor: "sponsor",
  currency: "currency",
  project: "project",
  buyerDayCap: "dayCap",
  buyerDayCapMinor: "dayCap",
  projectCap: "projectCap",
  projectCapMinor: "projectCap",
  buyerMinuteLimit: "minuteLimit",
  ppm: "percent",
  tiers: "tiers",
  chancePpm: "tiers",
  hearts: "hearts",
  // A room's own id is its "id", wherever it stands.
  id: "room",
  room: "room",
  "hearts.room": "room",
  pledge: "pledge",
  pledgeId: "pledge",
};
const IN_SLOT: Readonly<Record<string, Kind>> = { opensAtMs: "opens", closesAtMs: "closes", budgetMinor: "budget" };

/** The field that the server's refusal is about; none, when it is about none of them. */
export function refusedField(problem: Pick<Problem, "type" | "field" | "bound">, rule: RuleName): Mistakes {
  const named = fieldOf(problem, rule);
  return named === undefined ? new Map() : new Map([[named, problem.bound]]);
}

function fieldOf({ type, field }: Pick<Problem, "type" | "field">, rule: RuleName): Field | undefined {
  // Of all that a pool names only a pledge has to be there.
  if (type === "not-found") return rule === "hearts" ? "pledge" : undefined;
  if (field === "amount") return rule === "draw" ? "tiers" : "amount";
  // That it opens in the past is said of all of them.
  if (field === "slots") return "opens 0";
  const [, index = "0", inSlot = ""] = /^slots\[(\d+)\]\.(\w+)$/.exec(field) ?? [];
  const kind = Object.hasOwn(IN_SLOT, inSlot) ? IN_SLOT[inSlot] : undefined;
  if (kind !== undefined) return `${kind} ${Number(index)}`;
  return Object.hasOwn(NAMED, field) ? NAMED[field] : undefined;
}

/** Undefined: no time, or one that no clock shows. */
function millis(local: string): number | undefined {
  const ms = DATE.test(local) ? new Date(local).getTime() : Number.NaN;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** The minute that it is now is at once, 0: the field has no seconds. */
function opening(local: string, nowMs: number): number | undefined {
  const ms = millis(local);
  return ms !== undefined && ms <= nowMs && nowMs < ms + MINUTE_MS ? 0 : ms;
}

/** How many decimals its coins have; of an unknown one two. */
function digitsOf(currency: string): number {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}
