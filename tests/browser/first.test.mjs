// What the viewer's and the host's pages show before there is anything: outlines while it comes, words when there is none, a button when it failed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, connected, objections, openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const ROOM = "hillside";

describe("pages with nothing on them yet", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    Object.assign(token, await server.tokens("viewer:mei:小梅", "host:lin:老林"));
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** A page whose requests for `path` wait until they are let go, or fail. */
  async function held(address, path) {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
    const waiting = [];
    let open = false;
    await context.route((url) => url.pathname === path, (route) => (open ? route.continue() : void waiting.push(route)));
    const page = await visit(browser, address, { context });
    const all = async (does) => {
      // Outlines stand there before it is asked for too, while what draws it is fetched.
      await until(() => waiting.length > 0, `somebody to ask for ${path}`);
      open = true;
      for (const route of waiting.splice(0)) await does(route);
    };
    return { page, letGo: () => all((route) => route.continue()), fail: () => all((route) => route.abort()) };
  }
  const calm = async (page) => {
    // What the test itself cut off is noted by the browser.
    assert.deepEqual(page.complaints.filter((text) => !/ERR_FAILED/.test(text)), []);
    await page.context().close();
  };

  // In this order: the server is empty, then it has a room.
  const LISTS = [
    { what: "the front door", path: "/v1/rooms", address: () => `${server.base}/`, nothing: "现在还没有直播间", failed: "直播间列表没能打开" },
    { what: "the host's rooms", path: "/v1/rooms", address: () => `${server.base}/host#token=${token.lin}`, nothing: "您还没有直播间", failed: "直播间没能打开" },
  ];
  for (const { what, path, address, nothing, failed } of LISTS) {
    test(`${what}: outlines while it comes, words when there is none`, async () => {
      const { page, letGo } = await held(address(), path);
      await page.locator(".skeleton").first().waitFor();
      assert.equal(await page.getByText(nothing).count(), 0, "nobody says that there is none before it is known");
      await letGo();
      await page.locator(".still").getByText(nothing).waitFor();
      assert.equal(await page.locator(".skeleton").count(), 0);
      assert.deepEqual(await objections(page), []);
      await calm(page);
    });

    test(`${what}: what failed is said, and asked for again`, async () => {
      const { page, fail } = await held(address(), path);
      await page.locator(".skeleton").first().waitFor();
      await fail();
      await page.locator(".still").getByText(failed).waitFor();
      assert.deepEqual(await objections(page), []);
      await page.locator(".still").getByRole("button").click();
      await page.locator(".still").getByText(nothing).waitFor();
      await calm(page);
    });
  }

  test("somebody's orders: outlines, words when there are none, and a button when they could not be read", async () => {
    await server.live(token.lin, ROOM, { sale: false });
    const address = `${server.base}/rooms/${ROOM}#token=${token.mei}`;
    for (const way of ["letGo", "fail"]) {
      const { page, ...ways } = await held(address, "/v1/orders");
      await connected(page);
      await page.getByRole("button", { name: "我的订单" }).click();
      await page.locator("dialog[open] .skeleton").first().waitFor();
      await ways[way]();
      if (way === "fail") {
        await page.locator("dialog[open]").getByRole("alert").getByText("订单没能打开").waitFor();
        await page.locator("dialog[open]").getByRole("button", { name: "再试一次" }).click();
      }
      await page.locator("dialog[open] .still").getByText("还没有订单").waitFor();
      assert.equal(await page.locator("dialog[open] .skeleton").count(), 0);
      assert.deepEqual(await objections(page), []);
      await calm(page);
    }
  });
});
