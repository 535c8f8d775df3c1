// What the first view of a room may weigh. How fast it is depends on the machine: `node weight.mjs` says that on an idle one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browserMissing } from "./pages.mjs";
import { weigh } from "./weight.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const VIEWER_KB_MAX = 150;

test("the first view of a room is light", { skip: missing }, async (context) => {
  const weights = await weigh({ pages: ["viewer"], runs: 1 });
  context.diagnostic(JSON.stringify(weights));
  assert.ok(weights.viewer.compressed_kb <= VIEWER_KB_MAX, `${weights.viewer.compressed_kb} kB compressed, at most ${VIEWER_KB_MAX} are promised`);
});
