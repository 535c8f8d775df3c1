// An hour's chat, at seventy times the pace: what the page keeps does not grow, and it stays smooth.

import assert from "node:assert/strict";
import { test } from "node:test";

import { measureLongStream } from "./long.mjs";
import { browserMissing } from "./pages.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

for (const [who, what] of [["viewer", "a viewer's page"], ["host", "the host's desk"]]) {
  test(`10,000 lines of chat leave ${what} as heavy as 2,000 did, and with time to move`, { skip: missing }, async (context) => {
    const measured = await measureLongStream({ perSecond: 200, who });
    context.diagnostic(JSON.stringify(measured));
    assert.equal(measured[10_000].lines_shown, measured[2_000].lines_shown);
    assert.ok(measured[10_000].dom_nodes <= measured[2_000].dom_nodes + 100, "no element stays behind");
    // Eight thousand lines are some 4 MB of objects; what is left over is code that the engine has made meanwhile.
    assert.ok(measured.grown_kb < 1_000, `${measured.grown_kb} kB`);
    // Frames come when the page's thread has time for them. How many a second is the machine's affair; `node long.mjs` on an idle one says 57.
    assert.ok(measured.busy_percent > 0 && measured.busy_percent < 50, `the page is at work for ${measured.busy_percent} % of the time`);
  });
}
