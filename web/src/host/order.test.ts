import { expect, test } from "vitest";

import { inOrder, landing, moved } from "./order";

test.each([
  [0, 2, "bca"],
  [2, 0, "cab"],
  [1, 1, "abc"],
  [0, 3, "abc"],
  [0, -1, "abc"],
  [9, 0, "abc"],
])("%i to %i", (from, to, after) => {
  expect(moved([..."abc"], from, to).join("")).toBe(after);
});

test("an order made before something was added or removed still holds", () => {
  expect(inOrder([..."abcd"], [..."cba"], (item) => item).join("")).toBe("cbad");
  expect(inOrder([..."ac"], [..."cba"], (item) => item).join("")).toBe("ca");
});

test.each([
  [0, 0, 0],
  [0, 40, 0],
  [0, 130, 1],
  [0, 900, 2],
  [2, -130, 1],
  [2, -900, 0],
])("item %i dragged %i lands at %i", (from, dy, to) => {
  const boxes = [0, 100, 200].map((top) => ({ top, height: 90 }));
  expect(landing(boxes, from, dy)).toBe(to);
});
