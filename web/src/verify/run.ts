// What the page does with a receipt, a proof or a link: the checks, then what this device and the site know of the log.

import { utf8, type Bytes } from "./bytes";
import { checkReceipt, findingOf, keyFinding, leafOf, unlessOurs, type Trust, type Verdict } from "./check";
import { Wrong, failed, ok, open, type Check } from "./findings";
import { compare } from "./history";
import type { Leaf } from "./leaf";
import { believe, originOf, parseKeys, type Checkpoint } from "./note";
import { parseProof } from "./proof";
import { remember, seenOf } from "./seen";
import { Tiles, fetchFile, readCheckpoint, readKeys } from "./site";
import { included, inclusionProof, leafHash, type Tree } from "./tree";

/** What a link names: a line of the log and, on a receipt's code, the commitment that it must carry. */
export interface Named {
  readonly index: number;
  readonly order: string | undefined;
  /** A c2sp.org/tlog-proof that came as a file. */
  readonly proof?: string;
}

export interface LeafVerdict {
  readonly checks: readonly Check[];
  readonly leaf: Leaf | undefined;
  readonly written: string | undefined;
}

/** The site's own keys, or undefined when it can't be reached or shows none. */
export async function trustOfSite(): Promise<Trust | undefined> {
  try {
    const keys = await parseKeys(await readKeys(fetchFile));
    return keys.length === 0 ? undefined : { keys, source: "site" };
  } catch (error) {
    if (error instanceof Wrong) return undefined;
    throw error;
  }
}

/** `tell` hears the verdict twice: without the history, which may need the network, and with it. */
export async function verifyReceipt(bytes: Bytes, own: Trust | undefined, site: () => Promise<Trust | undefined>, tell: (verdict: Verdict) => void): Promise<void> {
  const verdict = await checkReceipt(bytes, own, own === undefined ? await site() : undefined);
  tell(verdict);
  const { receipt, trees, trust } = verdict;
  if (receipt === undefined || trees.length === 0 || verdict.checks.some(({ name }) => name === "history")) return;
  const history = await historyOf(receipt.origin, trees, trust);
  const at = verdict.checks.findIndex(({ name }) => name === "leaves");
  tell({ ...verdict, checks: [...verdict.checks.slice(0, at), history, ...verdict.checks.slice(at)] });
}

/** What is remembered comes from keys that the reader or the site vouches for: a forged receipt must not leave a trace. */
async function historyOf(origin: string, trees: readonly Tree[], trust: Trust): Promise<Check> {
  if (trust.source === "receipt") return open("history", { code: "notRemembered" });
  let now: Checkpoint | undefined;
  try {
    const checkpoint = await readCheckpoint(fetchFile);
    if (checkpoint.origin === origin) {
      await believe(checkpoint, trust.keys);
      now = checkpoint;
    }
  } catch (error) {
    const finding = findingOf(error);
    if (finding.code !== "siteUnread") return unlessOurs("history", finding);
  }
  const { check, newest } = await compare(seenOf(origin), trees, now, now === undefined ? undefined : fetchFile);
  keep(origin, newest);
  return check;
}

function keep(origin: string, newest: Tree | undefined): void {
  if (newest !== undefined && newest.size !== seenOf(origin)?.size) remember(origin, newest, Date.now());
}

export async function verifyLeaf({ index, order, proof }: Named, own: Trust | undefined, site: () => Promise<Trust | undefined>): Promise<LeafVerdict> {
  const checks: Check[] = [];
  let written: string | undefined;
  let leaf: Leaf | undefined;
  const verdict = (): LeafVerdict => ({ checks, leaf, written });
  try {
    const trust = own ?? (await site());
    const checkpoint = await readCheckpoint(fetchFile);
    const { keys } = trust ?? { keys: [] };
    const finding = keyFinding(trust ?? { keys: [], source: "site" }, checkpoint.origin);
    checks.push(finding.code === "keyOwn" ? ok("key", finding) : open("key", finding));
    const believed = await tried(checks, "checkpoint", async () => {
      const { signer } = await believe(checkpoint, keys);
      return ok("checkpoint", { code: "checkpointSigned", size: checkpoint.size, id: signer.id });
    });
    const given = proof === undefined ? undefined : parseProof(proof);
    const isGivenSigned = given === undefined || (await tried(checks, "proofs", async () => void (await believe(given.checkpoint, keys))));
    if (believed && originOf(keys) !== undefined) {
      const { check, newest } = await compare(seenOf(checkpoint.origin), given !== undefined && isGivenSigned ? [given.checkpoint] : [], checkpoint, fetchFile);
      checks.push(check);
      keep(checkpoint.origin, newest);
    }
    const tiles = new Tiles(checkpoint.size, fetchFile);
    written = await tiles.entry(index);
    const text = written;
    if (text === undefined) {
      checks.push(open("leaf", { code: "noLeaf", at: index, size: checkpoint.size }));
      return verdict();
    }
    await tried(checks, "leaf", async () => {
      leaf = leafOf(text, index);
      return ok("leaf", { code: "leafRead", at: index });
    });
    const { size, root } = given?.checkpoint ?? checkpoint;
    const hashes = given?.hashes ?? (await inclusionProof(index, size, tiles.hashAt));
    const isIn = (await included(index, size, await leafHash(utf8(text)), hashes, root)) === "holds";
    if (!isIn) checks.push(failed("proofs", { code: "notIncluded", at: index, size }));
    else if (isGivenSigned) checks.push(ok("proofs", { code: "leafProven", at: index, size, hashes: hashes.length }));
    if (order !== undefined) checks.push(checkOrder(leaf, order));
  } catch (error) {
    if (error instanceof SyntaxError) checks.push(failed("proofs", { code: "proofForm", at: index, detail: error.message }));
    else checks.push(open("leaf", findingOf(error)));
  }
  return verdict();
}

function checkOrder(leaf: Leaf | undefined, order: string): Check {
  if (leaf === undefined || !("order" in leaf)) return failed("order", { code: "leafOfNoOrder" });
  return leaf.order === order ? ok("order", { code: "leafOfOrder" }) : failed("order", { code: "leafOfOther" });
}

/** Says what went wrong, and whether nothing did. */
async function tried(checks: Check[], name: Check["name"], check: () => Promise<Check | void>): Promise<boolean> {
  try {
    const made = await check();
    if (made !== undefined) checks.push(made);
    return true;
  } catch (error) {
    checks.push(unlessOurs(name, findingOf(error)));
    return false;
  }
}
