import { expect, test } from "vitest";

import { BACK_OFF_MAX_MS, afterClose } from "./closing";

test.each([
  [1002, "outdated"],
  [1003, "outdated"],
  [1007, "outdated"],
  [1009, "outdated"],
  [4001, "token"],
  [4003, "banned"],
  [4004, "missing"],
  [4010, "ended"],
])("code %i must not come back (%s)", (code, over) => {
  expect(afterClose(code, { code, retryAfterMs: 5000 }, 0, 0.5)).toEqual({ over });
});

test.each([1000, 1001, 1006, 1011, 1012, 4000, 4008, 4013, 4014, 4999])("code %i comes back", (code) => {
  expect(afterClose(code, undefined, 0, 0)).toHaveProperty("waitMs");
});

test("the server's wait is a floor, and chance spreads what comes after", () => {
  expect(afterClose(1001, { code: 1001, retryAfterMs: 7000 }, 0, 0)).toEqual({ waitMs: 7000 });
  expect(afterClose(1001, { code: 1001, retryAfterMs: 7000 }, 0, 1)).toEqual({ waitMs: 7500 });
});

test("a Closing with no wait means stay away", () => {
  expect(afterClose(1001, { code: 1001, retryAfterMs: 0 }, 0, 0)).toEqual({ over: "other" });
});

test("a socket that was cut keeps the rule that Closing named", () => {
  expect(afterClose(1006, { code: 4010, retryAfterMs: 0 }, 0, 0)).toEqual({ over: "ended" });
  expect(afterClose(1006, { code: 4009, retryAfterMs: 100 }, 0, 0)).toEqual({ waitMs: 30_000 });
});

test("the span doubles and has an end", () => {
  expect(afterClose(1006, undefined, 0, 1)).toEqual({ waitMs: 500 });
  expect(afterClose(1006, undefined, 3, 1)).toEqual({ waitMs: 4000 });
  expect(afterClose(1006, undefined, 5000, 1)).toEqual({ waitMs: BACK_OFF_MAX_MS });
});
