// What the first view of a room may weigh. How fast it is depends on the machine: `node weight.mjs` says that on an idle one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { browserMissing, connected, openBrowser, until } from "./pages.mjs";
import { Server } from "./server.mjs";
import { weigh } from "./weight.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const VIEWER_KB_MAX = 150;

test("the first view of a room is light", { skip: missing }, async (context) => {
  const weights = await weigh({ pages: ["viewer"], runs: 1 });
  context.diagnostic(JSON.stringify(weights));
  assert.ok(weights.viewer.compressed_kb <= VIEWER_KB_MAX, `${weights.viewer.compressed_kb} kB compressed, at most ${VIEWER_KB_MAX} are promised`);
});

test("a room's line and words are under way before what draws it has come, and the line is the one that is used", { skip: missing }, async () => {
  const server = await Server.start({ demo: true });
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ locale: "zh-CN" });
    const held = [];
    const lines = [];
    const asked = [];
    page.on("websocket", (line) => lines.push(line.url()));
    page.on("request", (request) => asked.push(request.url()));
    await page.route(/\/assets\/(Viewer|page)-/, (route) => void held.push(route));
    await page.goto(server.links.viewer, { waitUntil: "commit" });
    await until(() => held.length === 2 && lines.length === 1 && asked.some((url) => /zh-CN-.*\.js$/.test(url)), "the line and the words");
    assert.ok(!(await page.evaluate(() => location.href)).includes("token="), "the token is still in the address");
    for (const route of held) await route.continue();
    await connected(page);
    assert.deepEqual(lines, [`${server.base.replace("http", "ws")}/v1/rooms/${new URL(server.links.viewer).pathname.split("/").at(-1)}/live`]);
  } finally {
    await browser.close();
    await server.stop();
  }
});
