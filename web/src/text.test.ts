import { expect, test } from "vitest";

import { apart } from "./text";

test.each([
  ["老林", "\u2068老林\u2069"],
  ["نخل", "\u2068نخل\u2069"],
  ["\u202eturned\u2069 and out", "\u2068turned and out\u2069"],
  ["", ""],
])("what somebody wrote stays in its place: %j", (written, said) => {
  expect(apart(written)).toBe(said);
});
