// One order's gift, line by line: what accrued, what refunds took back, what was confirmed. Each rule that a line breaks is a finding.

import type { Finding } from "./findings";
import type { AccrualLeaf, ConfirmationLeaf, CorrectionLeaf, PledgeLeaf, ReversalLeaf } from "./leaf";
import { byWeight, share, split, still } from "./share";

interface Part {
  accrued: bigint;
  reversed: bigint;
  /** Less what was reversed of it. */
  confirmed: bigint;
  /** Of what is confirmed, refunded at the host's cost. */
  corrected: bigint;
}

const standsOf = (part: Part): bigint => part.accrued - part.reversed - part.corrected;

export class Gift {
  readonly paid: bigint;
  readonly quantity: number;
  readonly currency: string;
  /** What is left to say when the last line has been read. */
  readonly broken: Finding[] = [];
  private readonly parts = new Map<number, Part>();
  /** The newest refund: what stays paid, and what each part is to have then. */
  private refund: { readonly kept: bigint; readonly due: ReadonlyMap<number, bigint> } | undefined;
  private isCorrected = false;

  constructor(
    readonly pledge: PledgeLeaf,
    private readonly first: AccrualLeaf,
  ) {
    this.paid = BigInt(first.paid);
    this.quantity = first.quantity;
    this.currency = first.currency;
  }

  accrued(): bigint {
    return this.sum((part) => part.accrued);
  }

  given(): bigint {
    return this.sum((part) => part.accrued - part.reversed);
  }

  reversed(): bigint {
    return this.sum((part) => part.reversed);
  }

  confirmed(): bigint {
    return this.sum((part) => part.confirmed);
  }

  /** As the pledge sees it: a correction takes from it, though the charity keeps that money. */
  stands(): bigint {
    return this.sum(standsOf);
  }

  kept(): bigint {
    return this.refund?.kept ?? this.paid;
  }

  due(kept: bigint): bigint {
    return still(this.pledge, this.paid, kept, this.quantity, this.accrued());
  }

  share(): bigint {
    return share(this.pledge, this.paid, this.quantity);
  }

  accrue(leaf: AccrualLeaf): void {
    const { pledge, first, currency } = this;
    const same = (["pledge", "version", "currency", "paid", "quantity"] as const).every((key) => leaf[key] === first[key]);
    if (!same) this.broken.push({ code: "otherTerms", at: leaf.line });
    if ((pledge.startsAt ?? 0) > leaf.at || (pledge.endsAt !== null && leaf.at >= pledge.endsAt)) this.broken.push({ code: "outOfTime", atMs: leaf.at });
    if (pledge.currency !== "" && pledge.currency !== leaf.currency) this.broken.push({ code: "wrongCurrency", found: leaf.currency, wanted: pledge.currency });
    const amount = BigInt(leaf.amount);
    const part = pledge.parts[leaf.part];
    if (part === undefined) {
      this.broken.push({ code: "unknownPart", part: leaf.part });
    } else {
      if (part.project !== leaf.project) this.broken.push({ code: "wrongProject", found: leaf.project, wanted: part.project });
      const due = byWeight(pledge, this.share())[leaf.part] ?? 0n;
      // A cap that is reached leaves less.
      if (pledge.cap === null && amount !== due) this.broken.push({ code: "wrongShare", amount, due, currency });
    }
    const known = this.parts.get(leaf.part);
    if (known !== undefined) {
      known.accrued += amount;
      this.broken.push({ code: "accruedTwice", part: leaf.part });
    } else {
      this.parts.set(leaf.part, { accrued: amount, reversed: 0n, confirmed: 0n, corrected: 0n });
    }
    const accrued = this.accrued();
    if (pledge.cap === null) return;
    if (accrued > this.share()) this.broken.push({ code: "wrongShare", amount: accrued, due: this.share(), currency });
    if (accrued > BigInt(pledge.cap)) this.broken.push({ code: "aboveCap", amount: accrued, cap: BigInt(pledge.cap), currency });
  }

  reverse(leaf: ReversalLeaf, at: number): void {
    const { currency } = this;
    const kept = BigInt(leaf.kept);
    const amount = BigInt(leaf.amount);
    const before = this.kept();
    if (kept > before || kept >= this.paid) this.broken.push({ code: "keptGrew", kept, before, currency });
    if (this.refund?.kept !== kept) this.refund = { kept, due: this.dueByPart(kept) };
    const part = this.parts.get(leaf.part);
    if (part === undefined) {
      this.broken.push({ code: "unknownPart", part: leaf.part });
      return;
    }
    const left = leaf.confirmed ? part.confirmed - part.corrected : part.accrued - part.reversed - part.confirmed;
    if (amount > left) this.broken.push({ code: "moreThanStands", at, amount, left, currency });
    part.reversed += amount;
    if (leaf.confirmed) part.confirmed -= amount;
    const due = this.refund?.due.get(leaf.part) ?? 0n;
    if (this.stands() < this.due(kept)) this.broken.push({ code: "reversedTooMuch", stands: this.stands(), due: this.due(kept), currency });
    else if (standsOf(part) < due && !this.isCorrected) this.broken.push({ code: "reversedTooMuch", stands: standsOf(part), due, currency });
  }

  confirm(leaf: ConfirmationLeaf, at: number): void {
    const part = this.parts.get(leaf.part);
    if (part === undefined) {
      this.broken.push({ code: "unknownPart", part: leaf.part });
      return;
    }
    const amount = BigInt(leaf.amount);
    const left = part.accrued - part.reversed - part.confirmed;
    part.confirmed += amount;
    if (amount > left) this.broken.push({ code: "moreThanStands", at, amount, left, currency: this.currency });
  }

  correct(leaf: CorrectionLeaf, at: number): void {
    this.isCorrected = true;
    const part = this.parts.get(leaf.part);
    if (part === undefined) {
      this.broken.push({ code: "unknownPart", part: leaf.part });
      return;
    }
    const amount = BigInt(leaf.amount);
    const left = part.confirmed - part.corrected;
    part.corrected += amount;
    if (amount > left) this.broken.push({ code: "moreThanStands", at, amount, left, currency: this.currency });
  }

  /** What is still missing of the accrual or of the newest refund. */
  lack(): Finding | undefined {
    const { currency, pledge } = this;
    const amount = this.accrued();
    if (this.refund !== undefined) {
      const due = [...this.refund.due.values()].reduce((sum, part) => sum + part, 0n);
      const apart = !this.isCorrected && [...this.parts].some(([at, part]) => standsOf(part) !== this.refund?.due.get(at));
      return this.stands() > due || apart ? { code: "reversedTooLittle", stands: this.stands(), due, currency } : undefined;
    }
    if (pledge.cap === null) return amount < this.share() ? { code: "partsLacking", amount, due: this.share(), currency } : undefined;
    const isSplit = byWeight(pledge, amount).every((due, at) => (this.parts.get(at)?.accrued ?? 0n) === due);
    return isSplit ? undefined : { code: "wrongSplit", amount, currency };
  }

  /** In proportion to what each part has before the refund: by the weights, a part could grow. */
  private dueByPart(kept: bigint): ReadonlyMap<number, bigint> {
    const parts = [...this.parts];
    const standing = parts.map(([, part]) => (standsOf(part) > 0n ? standsOf(part) : 0n));
    const all = standing.reduce((sum, part) => sum + part, 0n);
    const due = this.due(kept);
    const each = split(due < all ? due : all, standing);
    return new Map(parts.map(([at], n) => [at, each[n] ?? 0n]));
  }

  private sum(of: (part: Part) => bigint): bigint {
    return [...this.parts.values()].reduce((sum, part) => sum + of(part), 0n);
  }
}
