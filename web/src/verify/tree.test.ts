// Vectors of the reference implementation of RFC 6962 (Certificate Transparency), and every proof of every small tree.

import { expect, test } from "vitest";

import { fromHex, hexOf, type Bytes } from "./bytes";
import { hashesOf } from "./testlog";
import { consistencyProof, consistent, emptyRoot, included, inclusionProof, leafHash, treeOf } from "./tree";

const bytes = (hex: string): Bytes => fromHex(hex, hex.length / 2) ?? new Uint8Array();
/** The leaves of certificate-transparency's tests; they are no texts, so they are hashed here. */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

async function ofLeaves() {
  const { nodeHash } = await import("./tree");
  const hashAt = async (level: number, index: number): Promise<Bytes> =>
    level === 0 ? leafHash(bytes(LEAVES[index] ?? "")) : nodeHash(await hashAt(level - 1, 2 * index), await hashAt(level - 1, 2 * index + 1));
  return hashAt;
}

test("the empty tree is SHA-256 of nothing", async () => {
  expect(hexOf(await emptyRoot())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test.each(ROOTS.map((root, at) => [at + 1, root] as const))("the tree of %i leaves has the known root", async (size, root) => {
  expect(hexOf((await treeOf(size, await ofLeaves())).root)).toBe(root);
});

test("the known proofs: leaf 5 of 8, and how 8 continues 6", async () => {
  const hashAt = await ofLeaves();
  expect((await inclusionProof(5, 8, hashAt)).map(hexOf)).toEqual([
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
  expect((await consistencyProof(6, 8, hashAt)).map(hexOf)).toEqual([
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]);
});

test("every leaf of every tree up to 20 is proven, and nothing else is", async () => {
  const leaves = Array.from({ length: 20 }, (_, at) => `leaf ${at}`);
  const hashAt = hashesOf(leaves);
  for (let size = 1; size <= leaves.length; size += 1) {
    const { root } = await treeOf(size, hashAt);
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(index, size, hashAt);
      const leaf = await hashAt(0, index);
      expect(await included(index, size, leaf, proof, root)).toBe("holds");
      expect(await included((index + 1) % size, size, leaf, proof, root)).toSatisfy((proven) => size === 1 || proven !== "holds");
      expect(await included(index, size, await leafHash(bytes("ff")), proof, root)).toBe("other-root");
      expect(await included(index, size, leaf, [...proof, root], root)).toBe("too-long");
      if (proof.length > 0) expect(await included(index, size, leaf, proof.slice(1), root)).not.toBe("holds");
    }
    expect(await included(size, size, root, [], root)).toBe("not-in-tree");
  }
});

test("every tree up to 20 continues every smaller one, and no other", async () => {
  const leaves = Array.from({ length: 20 }, (_, at) => `leaf ${at}`);
  const hashAt = hashesOf(leaves);
  const forkedAt = hashesOf(leaves.map((leaf, at) => (at === 0 ? "another" : leaf)));
  for (let now = 1; now <= leaves.length; now += 1) {
    const tree = await treeOf(now, hashAt);
    for (let before = 0; before <= now; before += 1) {
      const proof = await consistencyProof(before, now, hashAt);
      const old = await treeOf(before, hashAt);
      expect(await consistent(old, tree, proof), `${before} ${now}`).toBe("holds");
      if (before === 0) continue;
      expect(await consistent(await treeOf(before, forkedAt), tree, proof), `${before} ${now} forked`).not.toBe("holds");
      expect(await consistent(old, tree, [...proof, old.root]), `${before} ${now} long`).toBe("too-long");
    }
    if (now > 1) expect(await consistent(tree, await treeOf(now - 1, hashAt), [])).toBe("shrinks");
  }
});
