// Leaves of docs/log.md: one JSON object each, and exactly one way to write it.

import { utf8 } from "./bytes";

const LEAF_BYTES_MAX = 65_535;
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const MINOR_MAX = 99_000_000_000_000;
const WHOLE_PPM = 1_000_000;
const COUNT_MAX = 2 ** 32 - 1;

interface Common {
  readonly at: number;
}

interface OfOrder extends Common {
  readonly line: number;
  readonly order: string;
  readonly amount: number;
  readonly currency: string;
}

interface OfPart extends OfOrder {
  readonly pledge: string;
  readonly version: number;
  readonly part: number;
}

export interface PledgeLeaf extends Common {
  readonly kind: "pledge";
  readonly pledge: string;
  readonly version: number;
  readonly base: "paid_price" | "per_unit";
  readonly sharePpm: number;
  readonly perUnit: number;
  readonly currency: string;
  readonly rounding: "down" | "half_even" | "up";
  readonly cap: number | null;
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  readonly agreement: string;
  readonly parts: readonly { readonly project: string; readonly charity: string; readonly weight: number }[];
}

export interface AccrualLeaf extends OfPart {
  readonly kind: "accrual";
  readonly quantity: number;
  readonly paid: number;
  readonly county: string;
  readonly produce: string;
  readonly project: string;
}

export interface ReversalLeaf extends OfPart {
  readonly kind: "reversal";
  readonly kept: number;
  readonly confirmed: boolean;
}

export interface ConfirmationLeaf extends OfPart {
  readonly kind: "confirmation";
}

export interface CorrectionLeaf extends OfPart {
  readonly kind: "correction";
}

export interface MatchLeaf extends OfOrder {
  readonly kind: "match";
  readonly pool: string;
  readonly project: string;
}

export interface UnmatchLeaf extends OfOrder {
  readonly kind: "unmatch";
  readonly pool: string;
}

export interface RemittanceLeaf extends Common {
  readonly kind: "remittance";
  readonly line: number;
  readonly amount: number;
  readonly currency: string;
}

export interface TallyLeaf extends Common {
  readonly kind: "tally";
  readonly size: number;
  readonly scope: "all" | "county" | "produce" | "project" | "pledge";
  readonly key: string;
  readonly currency: string;
}

export interface OtherLeaf extends Common {
  readonly kind: "pool" | "seed";
}

export type Leaf = PledgeLeaf | AccrualLeaf | ReversalLeaf | ConfirmationLeaf | CorrectionLeaf | RemittanceLeaf | MatchLeaf | UnmatchLeaf | TallyLeaf | OtherLeaf;

/** `strange` kinds are not known here; the others are written in another way than the one that is allowed. */
export class NoLeaf extends Error {
  constructor(
    readonly why: "form" | "canonical" | "strange",
    detail: string,
  ) {
    super(detail);
  }
}

type Rule = (value: unknown) => boolean;
type Keys = readonly (readonly [key: string, rule: Rule])[];

const whole =
  (least: number, most: number): Rule =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most && !Object.is(value, -0);
const number = whole(0, NUMBER_MAX);
const minor = whole(0, MINOR_MAX);
const count = whole(0, COUNT_MAX);
const counted = whole(1, COUNT_MAX);
/** So many characters, none of them a control character or half a one. */
const text =
  (least: number, most: number): Rule =>
  (value) => {
    if (typeof value !== "string" || value.length > 2 * most || /[\p{Cc}\p{Surrogate}]/u.test(value)) return false;
    const characters = [...value].length;
    return characters >= least && characters <= most;
  };
const fits =
  (pattern: RegExp): Rule =>
  (value) =>
    typeof value === "string" && pattern.test(value);
const hash = fits(/^[0-9a-f]{64}$/);
const uuid = fits(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const currency = fits(/^[A-Z]{3}$/);
const flag: Rule = (value) => typeof value === "boolean";
const oneOf =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value);
const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null || rule(value);
const list =
  (least: number, most: number, keys: Keys): Rule =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every((one) => wrongKey(one, keys) === undefined);

const OF_PART: Keys = [
  ["line", number],
  ["order", hash],
  ["pledge", uuid],
  ["version", counted],
  ["part", count],
];
const MONEY: Keys = [
  ["amount", minor],
  ["currency", currency],
];

const KINDS: Readonly<Record<Leaf["kind"], Keys>> = {
  pledge: [
    ["pledge", uuid],
    ["version", counted],
    ["base", oneOf("paid_price", "per_unit")],
    ["sharePpm", whole(0, WHOLE_PPM)],
    ["perUnit", minor],
    ["currency", fits(/^(?:[A-Z]{3})?$/)],
    ["rounding", oneOf("down", "half_even", "up")],
    ["cap", orNull(minor)],
    ["startsAt", orNull(number)],
    ["endsAt", orNull(number)],
    ["agreement", hash],
    [
      "parts",
      list(1, 5, [
        ["project", text(1, 100)],
        ["charity", text(1, 40)],
        ["weight", whole(1, 1000)],
      ]),
    ],
  ],
  accrual: [...OF_PART, ["quantity", counted], ["paid", minor], ...MONEY, ["county", text(0, 80)], ["produce", text(0, 80)], ["project", text(1, 100)]],
  reversal: [...OF_PART, ["kept", minor], ...MONEY, ["confirmed", flag]],
  confirmation: [...OF_PART, ...MONEY],
  correction: [...OF_PART, ...MONEY],
  remittance: [
    ["line", number],
    ["remittance", uuid],
    ["charity", text(1, 40)],
    ["project", text(1, 100)],
    ["pledge", uuid],
    ["part", count],
    ...MONEY,
    ["reference", text(0, 100)],
    ["proof", orNull(hash)],
  ],
  pool: [
    ["pool", uuid],
    ["version", counted],
    ["sponsor", text(1, 100)],
    ["currency", currency],
    ["terms", text(2, 8000)],
    [
      "slots",
      list(1, 100, [
        ["opensAt", number],
        ["closesAt", number],
        ["budget", minor],
        ["seedSha256", hash],
      ]),
    ],
  ],
  match: [["line", number], ["order", hash], ["pool", uuid], ["slot", count], ["project", text(1, 100)], ["tier", orNull(count)], ...MONEY],
  unmatch: [["line", number], ["order", hash], ["pool", uuid], ["slot", count], ...MONEY],
  seed: [
    ["pool", uuid],
    ["slot", count],
    ["seed", hash],
  ],
  tally: [
    ["size", number],
    ["scope", oneOf("all", "county", "produce", "project", "pledge")],
    ["key", text(0, 100)],
    ["currency", currency],
    ["orders", number],
    ["paid", number],
    ["accrued", number],
    ["reversed", number],
    ["confirmed", number],
    ["remitted", number],
    ["matched", number],
    ["unmatched", number],
  ],
};

/** Only what has one way to be written is read. */
export function parseLeaf(written: string): Leaf {
  if (written.length > LEAF_BYTES_MAX || utf8(written).length > LEAF_BYTES_MAX) throw new NoLeaf("form", `> ${LEAF_BYTES_MAX}`);
  if (/\p{Surrogate}/u.test(written)) throw new NoLeaf("form", "UTF-8");
  let read: unknown;
  try {
    read = JSON.parse(written);
  } catch {
    throw new NoLeaf("form", "JSON");
  }
  if (typeof read !== "object" || read === null || !("kind" in read) || typeof read.kind !== "string") throw new NoLeaf("form", "kind");
  const { kind } = read;
  if (!isKind(kind)) throw new NoLeaf("strange", kind.replace(/\p{Cc}/gu, "").slice(0, 40));
  const wrong = wrongKey(read, [["v", oneOf(1)], ["kind", oneOf(kind)], ["at", number], ...KINDS[kind]]);
  if (wrong !== undefined) throw new NoLeaf("form", wrong);
  if (JSON.stringify(read) !== written) throw new NoLeaf("canonical", kind);
  // Every key has been looked at.
  const leaf = read as Leaf;
  const together = wrongTogether(leaf);
  if (together !== undefined) throw new NoLeaf("form", together);
  return leaf;
}

function isKind(kind: string): kind is Leaf["kind"] {
  return Object.hasOwn(KINDS, kind);
}

/** The first key that is missing, not in its place, too much, or has a value out of its bounds. */
function wrongKey(value: unknown, keys: Keys): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "{}";
  const found = Object.entries(value);
  for (const [at, [key, rule]] of keys.entries()) {
    const [name, held] = found[at] ?? [];
    if (name !== key || !rule(held)) return key;
  }
  return found[keys.length]?.[0];
}

/** Keys that each hold, but not together. */
function wrongTogether(leaf: Leaf): string | undefined {
  if (leaf.kind === "tally") return (leaf.scope === "all") === (leaf.key === "") ? undefined : "key";
  if (leaf.kind !== "pledge") return undefined;
  const ofPrice = leaf.base === "paid_price";
  if (ofPrice ? leaf.sharePpm === 0 : leaf.sharePpm !== 0) return "sharePpm";
  if (ofPrice ? leaf.perUnit !== 0 : leaf.perUnit === 0) return "perUnit";
  if (leaf.currency === "" && (!ofPrice || leaf.cap !== null)) return "currency";
  return new Set(leaf.parts.map(({ project }) => project)).size === leaf.parts.length ? undefined : "parts";
}
