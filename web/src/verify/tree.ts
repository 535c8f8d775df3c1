// Trees of RFC 6962, and proofs in them, as RFC 9162 verifies them (2.1.3.2 and 2.1.4.2).

import { same, sha256, type Bytes } from "./bytes";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
/** A tree of 2^63 leaves has no longer one. */
export const HASHES_MAX = 63;
export const HASH_BYTES = 32;

export type Proven = "holds" | "not-in-tree" | "too-short" | "too-long" | "other-root" | "other-old-root" | "shrinks";

export const leafHash = (leaf: Bytes): Promise<Bytes> => sha256(LEAF, leaf);
export const nodeHash = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(NODE, left, right);
export const emptyRoot = (): Promise<Bytes> => sha256();

const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** The leaf stands at `index` of the tree of `size` leaves that has this root. */
export async function included(index: number, size: number, leaf: Bytes, proof: readonly Bytes[], root: Bytes): Promise<Proven> {
  if (index >= size) return "not-in-tree";
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return "too-long";
    if (isOdd(at) || at === last) {
      hash = await nodeHash(sibling, hash);
      // At the right edge some levels have no sibling.
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = await nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) return "too-short";
  return same(hash, root) ? "holds" : "other-root";
}

export interface Tree {
  readonly size: number;
  readonly root: Bytes;
}

/** The tree `now` begins with the tree `before`. */
export async function consistent(before: Tree, now: Tree, proof: readonly Bytes[]): Promise<Proven> {
  if (before.size > now.size) return "shrinks";
  if (before.size === 0 || before.size === now.size) {
    if (proof.length > 0) return "too-long";
    return same(before.root, before.size === 0 ? await emptyRoot() : now.root) ? "holds" : "other-old-root";
  }
  let [at, last] = [before.size - 1, now.size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // A tree whose size is a power of two is its own first hash.
  const hashes = at === 0 ? [before.root, ...proof] : [...proof];
  const first = hashes.shift();
  if (first === undefined) return "too-short";
  let [old, young] = [first, first];
  for (const sibling of hashes) {
    if (last === 0) return "too-long";
    if (isOdd(at) || at === last) {
      old = await nodeHash(sibling, old);
      young = await nodeHash(sibling, young);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      young = await nodeHash(young, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) return "too-short";
  if (!same(old, before.root)) return "other-old-root";
  return same(young, now.root) ? "holds" : "other-root";
}

/** The hash of the 2^level leaves from index * 2^level on. */
export type HashAt = (level: number, index: number) => Promise<Bytes>;

/** The largest power of two below `n`, and its exponent. */
function split(n: number): readonly [part: number, level: number] {
  let [part, level] = [1, 0];
  while (part * 2 < n) [part, level] = [part * 2, level + 1];
  return [part, level];
}

/** The root of the leaves from `from` up to `to`; `from` is a multiple of a power of two that is not below their number. */
async function rootOf(from: number, to: number, hashAt: HashAt): Promise<Bytes> {
  const count = to - from;
  const [part, level] = split(count);
  if (count === 1) return hashAt(0, from);
  if (part * 2 === count) return hashAt(level + 1, from / count);
  return nodeHash(await rootOf(from, from + part, hashAt), await rootOf(from + part, to, hashAt));
}

/** The siblings on the way from a leaf up to the root of the tree of `size`. */
export async function inclusionProof(index: number, size: number, hashAt: HashAt): Promise<Bytes[]> {
  const climb = async (from: number, to: number): Promise<Bytes[]> => {
    if (to - from === 1) return [];
    const middle = from + split(to - from)[0];
    return index < middle
      ? [...(await climb(from, middle)), await rootOf(middle, to, hashAt)]
      : [...(await climb(middle, to)), await rootOf(from, middle, hashAt)];
  };
  return climb(0, size);
}

/** RFC 6962, 2.1.2: what shows that the tree of `size` begins with that of `before`. */
export async function consistencyProof(before: number, size: number, hashAt: HashAt): Promise<Bytes[]> {
  const climb = async (from: number, to: number, isOld: boolean): Promise<Bytes[]> => {
    if (to === before) return isOld ? [] : [await rootOf(from, to, hashAt)];
    const middle = from + split(to - from)[0];
    return before <= middle
      ? [...(await climb(from, middle, isOld)), await rootOf(middle, to, hashAt)]
      : [...(await climb(middle, to, false)), await rootOf(from, middle, hashAt)];
  };
  return before === 0 || before >= size ? [] : climb(0, size, true);
}

export async function treeOf(size: number, hashAt: HashAt): Promise<Tree> {
  return { size, root: size === 0 ? await emptyRoot() : await rootOf(0, size, hashAt) };
}
