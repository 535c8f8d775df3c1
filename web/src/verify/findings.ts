// What a check can find. The page puts each into words; here they are names and numbers.

export type Outcome = "ok" | "failed" | "open";

/** Checks in the order in which they are made. `open`: it could not be made, and the page says why. */
export type CheckName = "form" | "commitment" | "key" | "proofs" | "history" | "leaves" | "share" | "totals" | "refunds" | "checkpoint" | "leaf" | "order";

/** Amounts are in minor units of `currency`; `at` is a leaf's index; `detail` is for those who know docs/log.md. */
export interface Findings {
  receiptRead: { entries: number };
  tooLong: { bytes: number; max: number };
  notUtf8: object;
  notJson: object;
  notReceipt: { detail: string };
  otherFormat: { format: string };
  tooManyEntries: { entries: number; max: number };
  noHashing: object;

  commitmentHolds: object;
  commitmentOther: { found: string; stated: string };
  commitmentForm: { detail: string };
  noSalt: object;

  keyOwn: { name: string; id: string };
  keySite: { name: string; id: string };
  keyReceipt: { name: string; id: string };
  keyNone: { origin: string };
  keyForm: { line: number; detail: string };
  noEd25519: object;

  proven: { leaves: number; size: number; witnesses: number };
  noEntries: object;
  proofForm: { at: number; detail: string };
  proofOfOther: { at: number; index: number };
  otherLog: { found: string; wanted: string };
  notSigned: { id: string };
  wrongSignature: { id: string };
  notIncluded: { at: number; size: number };
  notInTree: { at: number; size: number };
  proofLength: { at: number; size: number };

  firstSeen: { size: number };
  sameTree: { size: number };
  continues: { seen: number; now: number; sinceMs: number };
  forked: { size: number };
  rewritten: { seen: number; now: number; sinceMs: number };
  wentBack: { seen: number; now: number; sinceMs: number };
  notCompared: { seen: number; now: number };
  siteUnread: { detail: string };
  notRemembered: object;

  linesOfOrder: { lines: number };
  noGift: object;
  leafForm: { at: number; detail: string };
  notCanonical: { at: number };
  otherOrder: { at: number };
  lineTwice: { at: number; line: number };
  outOfOrder: { at: number };
  strangeKind: { at: number; kind: string };
  noPledgeFirst: { at: number };
  noAccrualBefore: { at: number };
  otherTerms: { at: number };

  shareHolds: Gives;
  shareCapped: Gives & { due: bigint };
  wrongShare: { amount: bigint; due: bigint; currency: string };
  outOfTime: { atMs: number };
  wrongCurrency: { found: string; wanted: string };
  wrongProject: { found: string; wanted: string };
  unknownPart: { part: number };
  accruedTwice: { part: number };
  aboveCap: { amount: bigint; cap: bigint; currency: string };
  partsLacking: { amount: bigint; due: bigint; currency: string };
  wrongSplit: { amount: bigint; currency: string };

  totalsHold: { paid: bigint; given: bigint; currency: string };
  totalDiffers: { what: "paid" | "charity" | "matched"; stated: bigint; found: bigint; currency: string };
  quantityDiffers: { stated: number; found: number };
  currencyDiffers: { found: string; wanted: string };
  waiting: { lines: number };
  leavesFailed: object;

  noRefund: object;
  refundHolds: { kept: bigint; stands: bigint; currency: string };
  keptGrew: { kept: bigint; before: bigint; currency: string };
  keptDiffers: { stated: bigint; found: bigint; currency: string };
  moreThanStands: { at: number; amount: bigint; left: bigint; currency: string };
  reversedTooMuch: { stands: bigint; due: bigint; currency: string };
  reversedTooLittle: { stands: bigint; due: bigint; currency: string };

  checkpointSigned: { size: number; id: string };
  checkpointForm: { detail: string };
  noLeaf: { at: number; size: number };
  leafRead: { at: number };
  leafProven: { at: number; size: number; hashes: number };
  leafOfOrder: object;
  leafOfOther: object;
  leafOfNoOrder: object;
}

interface Gives {
  paid: bigint;
  quantity: number;
  accrued: bigint;
  currency: string;
  base: "paid_price" | "per_unit";
  sharePpm: number;
  perUnit: bigint;
  rounding: "down" | "half_even" | "up";
}

export type Code = keyof Findings;
export type Finding = { [C in Code]: { readonly code: C } & Readonly<Findings[C]> }[Code];

export interface Check {
  readonly name: CheckName;
  readonly outcome: Outcome;
  readonly finding: Finding;
}

/** Ends a check: this is why it does not hold. */
export class Wrong extends Error {
  constructor(readonly finding: Finding) {
    super(finding.code);
  }
}

export const ok = (name: CheckName, finding: Finding): Check => ({ name, outcome: "ok", finding });
export const failed = (name: CheckName, finding: Finding): Check => ({ name, outcome: "failed", finding });
export const open = (name: CheckName, finding: Finding): Check => ({ name, outcome: "open", finding });
