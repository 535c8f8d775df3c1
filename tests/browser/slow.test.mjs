// A phone at the edge of the network: 400 kbit/s with a round trip of 400 ms.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, closeSheet, connected, note, openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const EDGE = { offline: false, downloadThroughput: 400_000 / 8, uploadThroughput: 400_000 / 8, latency: 400, connectionType: "cellular3g" };
/** The page comes over this line too. */
const PATIENCE_MS = 60_000;

describe("a slow line", { skip: missing }, () => {
  let browser;
  let server;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start({ demo: true })]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("is enough to come in, to buy and to see the counter move, and it holds", async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
    const page = await visit(browser, "about:blank", { context });
    page.setDefaultTimeout(PATIENCE_MS);
    const tools = await context.newCDPSession(page);
    await tools.send("Network.enable");
    await tools.send("Network.emulateNetworkConditions", EDGE);
    await page.goto(server.links.viewer, { timeout: PATIENCE_MS });
    await connected(page);
    const links = await note(page, "connection", "data-state");
    const totals = await note(page, "charity-accrued", "data-minor");
    const lefts = await note(page, "sale-left", "data-left");

    await page.getByTestId("buy").first().click();
    await page.locator('[data-testid="order-state"][data-state="held"]').waitFor();
    await page.getByTestId("ship-name").fill("林小满");
    await page.getByTestId("ship-phone").fill("13800000000");
    await page.getByTestId("ship-address").fill("示例路 1 号");
    await page.getByTestId("pay-approve").click();
    await page.locator('[data-testid="order-state"][data-state="paid"]').waitFor();
    await closeSheet(page);
    await until(async () => (await totals.noted()).length > 1, "the counter to move", PATIENCE_MS);
    await page.getByTestId("chat-input").fill("信号不好，也买到了");
    await page.getByTestId("chat-send").click();
    await page.getByTestId("chat-line").filter({ hasText: "也买到了" }).waitFor();

    // The demo's own buyers keep the room busy; what reached this page came in order and over one connection.
    const up = (await totals.noted()).map(Number);
    assert.deepEqual(up, [...up].sort((a, b) => a - b), "the counter only went up");
    assert.ok((await lefts.noted()).length > 1, "the stock moved");
    assert.deepEqual(await links.noted(), ["live"]);
    assert.deepEqual(page.complaints, []);
    await context.close();
  });
});
