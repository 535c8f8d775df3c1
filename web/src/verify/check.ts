// A receipt against the keys that somebody trusts, and against itself. No request is made here.

import { canHash, concat, fromHex, hexOf, same, sha256, utf8, type Bytes } from "./bytes";
import { Wrong, failed, ok, open, type Check, type Finding } from "./findings";
import { Gift } from "./gift";
import { NoLeaf, parseLeaf, type Leaf, type PledgeLeaf } from "./leaf";
import { believe, originOf, parseKeys, type Key } from "./note";
import { parseProof } from "./proof";
import { parseReceipt, type Entry, type Receipt } from "./receipt";
import { included, leafHash, type Tree } from "./tree";

/** Where the keys come from: pasted by the reader, told by the site, or only in the receipt itself. */
export type KeySource = "own" | "site" | "receipt";

export interface Trust {
  readonly keys: readonly Key[];
  readonly source: KeySource;
}

export interface Verdict {
  readonly checks: readonly Check[];
  readonly receipt: Receipt | undefined;
  /** What the order's leaves add up to, when they can be read. */
  readonly gift: Gift | undefined;
  /** The trees that the proofs name, signed by a trusted key, the smallest first. */
  readonly trees: readonly Tree[];
  /** Whose word was taken for the signatures. */
  readonly trust: Trust;
}

/** `own`: what the reader keeps, whose word goes first. `site`: what the site shows of its own log. */
export async function checkReceipt(bytes: Bytes, own: Trust | undefined, site?: Trust): Promise<Verdict> {
  const checks: Check[] = [];
  let trust: Trust = { keys: [], source: "receipt" };
  const verdict = (receipt?: Receipt, gift?: Gift, trees: readonly Tree[] = []): Verdict => ({ checks, receipt, gift, trees, trust });
  if (!canHash()) {
    checks.push(failed("form", { code: "noHashing" }));
    return verdict();
  }
  let receipt: Receipt;
  try {
    receipt = parseReceipt(bytes);
  } catch (error) {
    checks.push(failed("form", findingOf(error)));
    return verdict();
  }
  checks.push(ok("form", { code: "receiptRead", entries: receipt.entries.length }));
  checks.push(await checkCommitment(receipt));
  trust = own ?? (site !== undefined && originOf(site.keys) === receipt.origin ? site : await trustOfReceipt(receipt));
  checks.push(checkKey(receipt, trust));
  const { check, forked, trees } = await checkProofs(receipt, trust.keys);
  checks.push(check);
  if (forked !== undefined) checks.push(failed("history", { code: "forked", size: forked }));
  const read = readLeaves(receipt);
  if ("wrong" in read) {
    checks.push(failed("leaves", read.wrong));
    for (const name of ["share", "totals", "refunds"] as const) checks.push(open(name, { code: "leavesFailed" }));
    return verdict(receipt, undefined, trees);
  }
  checks.push(ok("leaves", read.gift === undefined && receipt.entries.length === 0 ? { code: "noGift" } : { code: "linesOfOrder", lines: read.lines }));
  checks.push(...checkAmounts(receipt, read));
  return verdict(receipt, read.gift, trees);
}

export const keyFinding = (trust: Trust, origin: string): Finding => {
  const key = trust.keys.find(({ isWitness }) => !isWitness);
  if (key === undefined) return { code: "keyNone", origin };
  const code = trust.source === "own" ? "keyOwn" : trust.source === "site" ? "keySite" : "keyReceipt";
  return { code, name: key.name, id: key.id };
};

function checkKey(receipt: Receipt, trust: Trust): Check {
  const finding = keyFinding(trust, receipt.origin);
  return finding.code === "keyOwn" ? ok("key", finding) : open("key", finding);
}

/** A reminder at best: whoever forges a receipt forges its key as well. */
async function trustOfReceipt(receipt: Receipt): Promise<Trust> {
  try {
    return { keys: await parseKeys(receipt.keys.join("\n")), source: "receipt" };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { keys: [], source: "receipt" };
  }
}

async function checkCommitment(receipt: Receipt): Promise<Check> {
  const stated = fromHex(receipt.commitment, 32);
  const id = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(receipt.orderId) ? fromHex(receipt.orderId.replaceAll("-", ""), 16) : undefined;
  if (stated === undefined) return failed("commitment", { code: "commitmentForm", detail: "commitment" });
  if (id === undefined) return failed("commitment", { code: "commitmentForm", detail: "orderId" });
  if (receipt.salt === "") return open("commitment", { code: "noSalt" });
  const salt = fromHex(receipt.salt, 32);
  if (salt === undefined) return failed("commitment", { code: "commitmentForm", detail: "salt" });
  const found = await sha256(concat(utf8("apricot order v1\u0000"), id, salt));
  return same(found, stated) ? ok("commitment", { code: "commitmentHolds" }) : failed("commitment", { code: "commitmentOther", found: hexOf(found), stated: receipt.commitment });
}

interface Proofs {
  readonly check: Check;
  /** The size of which two different trees are signed. */
  readonly forked: number | undefined;
  readonly trees: readonly Tree[];
}

async function checkProofs(receipt: Receipt, keys: readonly Key[]): Promise<Proofs> {
  const trees = new Map<number, Tree>();
  let forked: number | undefined;
  let witnesses = Number.POSITIVE_INFINITY;
  let wrong: Finding | undefined;
  if (receipt.entries.length === 0) return { check: open("proofs", { code: "noEntries" }), forked, trees: [] };
  for (const entry of receipt.entries) {
    try {
      const proven = await checkProof(entry, keys);
      witnesses = Math.min(witnesses, proven.witnesses);
      const known = trees.get(proven.tree.size);
      if (known !== undefined && !same(known.root, proven.tree.root)) forked ??= proven.tree.size;
      trees.set(proven.tree.size, known ?? proven.tree);
    } catch (error) {
      // The first one says enough; the others may still show a fork.
      wrong ??= findingOf(error);
    }
  }
  const sorted = [...trees.values()].sort((one, other) => one.size - other.size);
  const check = wrong !== undefined ? unlessOurs("proofs", wrong) : ok("proofs", { code: "proven", leaves: receipt.entries.length, size: sorted.at(-1)?.size ?? 0, witnesses });
  return { check, forked, trees: sorted };
}

/** What this browser or this reader lacks is no fault of the receipt. */
export function unlessOurs(name: Check["name"], finding: Finding): Check {
  return finding.code === "noEd25519" || finding.code === "keyNone" ? open(name, finding) : failed(name, finding);
}

async function checkProof(entry: Entry, keys: readonly Key[]): Promise<{ readonly tree: Tree; readonly witnesses: number }> {
  const at = entry.index;
  let proof;
  try {
    proof = parseProof(entry.proof);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Wrong({ code: "proofForm", at, detail: error.message });
  }
  if (proof.index !== at) throw new Wrong({ code: "proofOfOther", at, index: proof.index });
  const { checkpoint } = proof;
  const { witnesses } = await believe(checkpoint, keys);
  const { size, root } = checkpoint;
  switch (await included(at, size, await leafHash(utf8(entry.leaf)), proof.hashes, root)) {
    case "holds":
      return { tree: { size, root }, witnesses };
    case "not-in-tree":
      throw new Wrong({ code: "notInTree", at, size });
    case "too-long":
    case "too-short":
      throw new Wrong({ code: "proofLength", at, size });
    default:
      throw new Wrong({ code: "notIncluded", at, size });
  }
}

interface Lines {
  readonly lines: number;
  readonly pledge: PledgeLeaf | undefined;
  readonly gift: Gift | undefined;
  readonly matched: bigint;
  readonly currency: string | undefined;
}

/** The pledge's version first, then the order's lines as the log has them, all with its commitment. */
export function readLeaves(receipt: Pick<Receipt, "entries" | "commitment">): Lines | { readonly wrong: Finding } {
  let pledge: PledgeLeaf | undefined;
  let gift: Gift | undefined;
  let matched = 0n;
  let currency: string | undefined;
  let before = -1;
  const lines = new Set<number>();
  try {
    for (const { index: at, leaf: written } of receipt.entries) {
      if (at <= before) throw new Wrong({ code: "outOfOrder", at });
      before = at;
      const leaf = leafOf(written, at);
      if ("order" in leaf && leaf.order !== receipt.commitment) throw new Wrong({ code: "otherOrder", at });
      if ("line" in leaf) {
        if (lines.has(leaf.line)) throw new Wrong({ code: "lineTwice", at, line: leaf.line });
        lines.add(leaf.line);
      }
      switch (leaf.kind) {
        case "pledge":
          if (pledge !== undefined || gift !== undefined) throw new Wrong({ code: "strangeKind", at, kind: leaf.kind });
          pledge = leaf;
          break;
        case "accrual":
          if (pledge === undefined || pledge.pledge !== leaf.pledge || pledge.version !== leaf.version) throw new Wrong({ code: "noPledgeFirst", at });
          gift ??= new Gift(pledge, leaf);
          currency = gift.currency;
          gift.accrue(leaf);
          break;
        case "reversal":
        case "confirmation":
        case "correction":
          if (gift === undefined || pledge === undefined) throw new Wrong({ code: "noAccrualBefore", at });
          if (leaf.pledge !== pledge.pledge || leaf.version !== pledge.version || leaf.currency !== gift.currency) throw new Wrong({ code: "otherTerms", at });
          if (leaf.kind === "reversal") gift.reverse(leaf, at);
          else if (leaf.kind === "confirmation") gift.confirm(leaf, at);
          else gift.correct(leaf, at);
          break;
        case "match":
          matched += BigInt(leaf.amount);
          currency ??= leaf.currency;
          break;
        case "unmatch":
          matched -= BigInt(leaf.amount);
          break;
        default:
          throw new Wrong({ code: "strangeKind", at, kind: leaf.kind });
      }
    }
  } catch (error) {
    return { wrong: findingOf(error) };
  }
  return { lines: lines.size, pledge, gift, matched, currency };
}

export function leafOf(written: string, at: number): Leaf {
  try {
    return parseLeaf(written);
  } catch (error) {
    if (!(error instanceof NoLeaf)) throw error;
    if (error.why === "canonical") throw new Wrong({ code: "notCanonical", at });
    if (error.why === "strange") throw new Wrong({ code: "strangeKind", at, kind: error.message });
    throw new Wrong({ code: "leafForm", at, detail: error.message });
  }
}

function checkAmounts(receipt: Receipt, read: Lines): readonly Check[] {
  if (receipt.waiting > 0) return (["share", "totals", "refunds"] as const).map((name) => open(name, { code: "waiting", lines: receipt.waiting }));
  const { gift } = read;
  const totals = checkTotals(receipt, read);
  if (gift === undefined) return [totals];
  const broken = gift.broken[0] ?? gift.lack();
  const isOfRefund = broken !== undefined && ["keptGrew", "moreThanStands", "reversedTooMuch", "reversedTooLittle"].includes(broken.code);
  const { pledge } = gift;
  const gives = {
    paid: gift.paid,
    quantity: gift.quantity,
    accrued: gift.accrued(),
    currency: gift.currency,
    base: pledge.base,
    sharePpm: pledge.sharePpm,
    perUnit: BigInt(pledge.perUnit),
    rounding: pledge.rounding,
  };
  const due = gift.share();
  const holds: Finding = gives.accrued < due ? { code: "shareCapped", ...gives, due } : { code: "shareHolds", ...gives };
  const shareCheck = broken !== undefined && !isOfRefund ? failed("share", broken) : ok("share", holds);
  return [shareCheck, totals, isOfRefund && broken !== undefined ? failed("refunds", broken) : checkRefunds(receipt, gift)];
}

function checkTotals(receipt: Receipt, { gift, matched, currency }: Lines): Check {
  const sums = [receipt.paid, receipt.refunded, receipt.charity, receipt.matched];
  const other = sums.find((sum) => currency !== undefined && (sum.minor !== 0n || sum.currency !== "") && sum.currency !== currency);
  if (other !== undefined) return failed("totals", { code: "currencyDiffers", found: other.currency, wanted: currency ?? "" });
  const stated = currency ?? receipt.paid.currency;
  const given = gift?.given() ?? 0n;
  const found = { paid: gift?.paid ?? receipt.paid.minor, charity: given, matched };
  for (const what of ["paid", "charity", "matched"] as const) {
    if (receipt[what].minor !== found[what]) return failed("totals", { code: "totalDiffers", what, stated: receipt[what].minor, found: found[what], currency: stated });
  }
  if (gift !== undefined && receipt.quantity !== gift.quantity) return failed("totals", { code: "quantityDiffers", stated: receipt.quantity, found: gift.quantity });
  return ok("totals", { code: "totalsHold", paid: receipt.paid.minor, given, currency: stated });
}

function checkRefunds(receipt: Receipt, gift: Gift): Check {
  const { currency } = gift;
  const kept = gift.paid - receipt.refunded.minor;
  if (kept < 0n || kept > gift.kept()) return failed("refunds", { code: "keptDiffers", stated: kept, found: gift.kept(), currency });
  const due = gift.due(kept);
  const stands = gift.stands();
  if (stands < due) return failed("refunds", { code: "reversedTooMuch", stands, due, currency });
  if (stands > due) return failed("refunds", { code: "reversedTooLittle", stands, due, currency });
  return ok("refunds", receipt.refunded.minor === 0n ? { code: "noRefund" } : { code: "refundHolds", kept, stands, currency });
}

export function findingOf(error: unknown): Finding {
  if (error instanceof Wrong) return error.finding;
  throw error;
}

