import { expect, test } from "vitest";

import { hashOf, sha256 } from "./hash";

test("a file's fingerprint is what sha256sum prints", async () => {
  expect(await sha256(new TextEncoder().encode("abc").buffer as ArrayBuffer)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(await sha256(new ArrayBuffer(0))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test.each([
  ["ab".repeat(32), "ab".repeat(32)],
  [` ${"AB".repeat(16)}\n${"cd".repeat(16)} `, "ab".repeat(16) + "cd".repeat(16)],
  ["ab".repeat(31), undefined],
  ["zz".repeat(32), undefined],
  ["", undefined],
])("pasted: %j", (text, expected) => {
  expect(hashOf(text)).toBe(expected);
});
