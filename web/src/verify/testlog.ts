// For tests: a log of one's own, with a key that signs whatever is asked.

import { base64Of, concat, hexOf, sha256, utf8, type Bytes } from "./bytes";
import { consistencyProof, inclusionProof, leafHash, nodeHash, treeOf, type HashAt, type Tree } from "./tree";

export const ORIGIN = "apricot.example/log";
export const ORDER = "0190a000-0000-7000-8000-000000000001";
const PLEDGE = "0190a000-0000-7000-8000-0000000000aa";

/** The hashes of subtrees of these leaves as they are now, by the definition. */
export function hashesOf(leaves: readonly string[]): HashAt {
  const texts = [...leaves];
  const known = new Map<string, Promise<Bytes>>();
  const hashAt: HashAt = (level, index) => {
    const name = `${level}/${index}`;
    const hash = known.get(name) ?? made(level, index);
    known.set(name, hash);
    return hash;
  };
  const made: HashAt = async (level, index) =>
    level === 0 ? leafHash(utf8(texts[index] ?? "")) : nodeHash(await hashAt(level - 1, 2 * index), await hashAt(level - 1, 2 * index + 1));
  return hashAt;
}

export class TestLog {
  readonly leaves: string[] = [];

  private constructor(
    private readonly secret: CryptoKey,
    readonly key: string,
    readonly id: Bytes,
    readonly origin: string,
  ) {}

  static async open(origin = ORIGIN): Promise<TestLog> {
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const typed = concat(Uint8Array.of(1), new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    const id = (await sha256(utf8(`${origin}\n`), typed)).slice(0, 4);
    return new TestLog(pair.privateKey, `${origin}+${hexOf(id)}+${base64Of(typed)}`, id, origin);
  }

  async sign(text: string): Promise<string> {
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", this.secret, utf8(text)));
    return `— ${this.origin} ${base64Of(concat(this.id, signature))}\n`;
  }

  tree(size = this.leaves.length): Promise<Tree> {
    return treeOf(size, hashesOf(this.leaves));
  }

  async checkpoint(size = this.leaves.length): Promise<string> {
    const { root } = await this.tree(size);
    const text = `${this.origin}\n${size}\n${base64Of(root)}\n`;
    return `${text}\n${await this.sign(text)}`;
  }

  async proof(index: number, size = this.leaves.length): Promise<string> {
    const hashes = await inclusionProof(index, size, hashesOf(this.leaves));
    return ["c2sp.org/tlog-proof@v1", `index ${index}`, ...hashes.map(base64Of), "", await this.checkpoint(size)].join("\n");
  }

  consistency(before: number, size = this.leaves.length): Promise<Bytes[]> {
    return consistencyProof(before, size, hashesOf(this.leaves));
  }
}

export const pledge = (more: object = {}): string =>
  JSON.stringify({
    v: 1,
    kind: "pledge",
    at: 1000,
    pledge: PLEDGE,
    version: 1,
    base: "paid_price",
    sharePpm: 25_000,
    perUnit: 0,
    currency: "",
    rounding: "half_even",
    cap: null,
    startsAt: null,
    endsAt: null,
    agreement: "ab".repeat(32),
    parts: [{ project: "lunches", charity: "53100000", weight: 1 }],
    ...more,
  });

export const line = (kind: "accrual" | "reversal" | "confirmation" | "correction", number: number, order: string, more: object): string => {
  const common = { v: 1, kind, at: 2000 + number, line: number, order, pledge: PLEDGE, version: 1, part: 0 };
  if (kind === "accrual") return JSON.stringify({ ...common, quantity: 2, paid: 3980, amount: 100, currency: "CNY", county: "洛川县", produce: "杏", project: "lunches", ...more });
  if (kind === "reversal") return JSON.stringify({ ...common, kept: 1990, amount: 50, currency: "CNY", confirmed: false, ...more });
  return JSON.stringify({ ...common, amount: 50, currency: "CNY", ...more });
};

export const SALT = "cd".repeat(32);

export async function commitmentOf(order = ORDER, salt = SALT): Promise<string> {
  const bytes = (hex: string): Bytes => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return hexOf(await sha256(utf8("apricot order v1\u0000"), bytes(order.replaceAll("-", "")), bytes(salt)));
}

/** What a server would answer for the order that has these leaves. */
export async function receiptOf(log: TestLog, indices: readonly number[], more: object = {}, size = log.leaves.length): Promise<Record<string, unknown>> {
  const entries = await Promise.all(indices.map(async (index) => ({ index: String(index), leaf: log.leaves[index], proof: await log.proof(index, size) })));
  return {
    format: 1,
    orderId: ORDER,
    salt: SALT,
    commitment: await commitmentOf(),
    title: "Dried apricots",
    quantity: 2,
    paid: { minor: "3980", currency: "CNY" },
    charity: { minor: "100", currency: "CNY" },
    keys: [log.key],
    origin: log.origin,
    entries,
    ...more,
  };
}
