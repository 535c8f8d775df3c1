// The page of ops while there is nothing to show: outlines until the first answer, a kind word where a list is empty, a plain one where it can't be had.
// And figures that stand still while they count.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, jumpingFigures, openBrowser, standing, until, visit } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const LOOKS = [
  { viewport: { width: 1280, height: 800 }, locale: "en-GB" },
  { viewport: { width: 390, height: 844 }, locale: "zh-CN" },
];
const ROOM = "hillside";

/** A list that each view reads, and what it says without one line in it, in English and in Chinese. */
const LISTS = [
  { where: "view=rooms", asks: "**/v1/ops/overview", empty: ["No rooms right now.", "现在没有直播间。"] },
  { where: "view=money", asks: "**/v1/ops/holds", empty: ["Nothing is held right now.", "没有正留着的货。"] },
  { where: "view=money", asks: "**/v1/ops/payments*", empty: ["No payments yet.", "还没有支付。"] },
  { where: "view=audit", asks: "**/v1/ops/audit*", empty: ["Nobody has changed anything yet.", "还没有人动过什么。"] },
];

describe("the page of ops while there is nothing", { skip: missing }, () => {
  let token;
  let browser;
  let server;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    token = await server.tokens("viewer:mei:小梅", "host:lin:老林", "ops:watch:值班");
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const ops = (where, options) => visit(browser, `${server.base}/ops#${where}&token=${token.watch}`, options);
  const go = (page, where) => page.evaluate((hash) => (location.hash = hash), `#${where}`);

  test("a fresh server has nothing to list, and each list says so in words", async () => {
    for (const [at, look] of LOOKS.entries()) {
      const page = await ops("view=overview", look);
      await standing(page, "good");
      for (const { where, empty } of LISTS) {
        await go(page, where);
        await page.getByText(empty[at]).waitFor();
      }
      await go(page, "view=overview");
      await page.getByTestId("tile-rooms").getByText("0", { exact: true }).waitFor();
      await page.locator(".funnel-steps li").first().waitFor();
      const light = page.locator('[data-testid="light"][data-good="true"] .large-number');
      await until(async () => (await light.allTextContents()).join() === "0,0,0", "a zero at each large light, also where nothing was posted yet");
      assert.equal(await page.locator(".skeleton").count(), 0);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  });

  test("until an answer comes there are outlines in its place, and nothing that turns", async () => {
    for (const { where, asks, empty } of LISTS) {
      const page = await ops("view=delivery", LOOKS[0]);
      await standing(page, "good");
      let answer;
      const held = new Promise((resolve) => (answer = resolve));
      await page.route(asks, async (route) => {
        await held;
        await route.continue();
      });
      await go(page, where);
      // The overview is there already; anew it has to be waited for.
      if (where === "view=rooms") await page.reload();
      await page.locator("main .skeleton").first().waitFor();
      assert.equal(await page.getByText(empty[0]).count(), 0, "nothing is said before it is known");
      assert.equal(await page.locator("progress, [role=progressbar]").count(), 0);
      answer();
      await page.getByText(empty[0]).waitFor();
      await page.locator("main .skeleton").first().waitFor({ state: "detached" });
      await page.unrouteAll({ behavior: "wait" });
      await page.context().close();
    }
  });

  test("a list that can't be had says why, and comes back by itself", async () => {
    for (const [at, look] of LOOKS.entries()) {
      const page = await ops("view=delivery", look);
      await standing(page, "good");
      for (const { where, asks, empty } of LISTS) {
        await page.route(asks, (route) => route.abort());
        await go(page, where);
        if (where === "view=rooms") await page.reload();
        const wrong = page.locator("main .wrong").filter({ hasText: ["The network dropped.", "网络断了"][at] });
        await wrong.waitFor();
        assert.equal(await page.getByText(empty[at]).count(), 0, `${asks}: what is not known is not empty`);
        await page.unroute(asks);
        await page.getByText(empty[at]).waitFor();
        await wrong.waitFor({ state: "detached" });
        await go(page, "view=delivery");
      }
      await page.context().close();
    }
  });

  test("a room in which nothing has happened yet says so, and so does one that is not there", async () => {
    await server.call("POST", "/v1/rooms", token.lin, { id: "valley", title: "谷里的杏", hostName: "老林", place: "云南 漾濞" });
    const page = await ops("room=valley", LOOKS[0]);
    for (const nothing of ["No flash sales yet.", "No orders yet."]) await page.getByText(nothing).waitFor();
    await page.getByRole("region", { name: "Chat" }).locator(".hint").first().waitFor();
    await page.route("**/v1/rooms/valley/orders*", (route) => route.abort());
    await page.locator("main .wrong").filter({ hasText: "The network dropped." }).waitFor();
    await page.unrouteAll({ behavior: "wait" });
    await page.locator("main .wrong").waitFor({ state: "detached" });
    await go(page, "room=nowhere");
    await page.locator("main .still").waitFor();
    await page.getByTestId("view-rooms").click();
    await page.getByTestId("find-room").fill("nothing like it");
    await page.getByText("Nothing found. Try another word.").waitFor();
    await page.context().close();
  });

  test("figures keep their width while they count", async () => {
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    await server.live(token.lin, ROOM, { sale: false });
    const sale = await server.sell(token.lin, ROOM);
    await server.buy(token.mei, sale.id);
    await server.hold(token.mei, sale.id);
    for (const look of LOOKS) {
      const page = await ops("view=overview", look);
      await standing(page, "good");
      for (const [where, ...figures] of [
        ["view=overview", ".large-number", ".tile dd", ".funnel-steps b", ".gauge-line b", ".large-number .money"],
        ["view=rooms", "[data-testid=rooms] td", "[data-testid=rooms] td .money"],
        ["view=money", ".hold-left", "[data-testid=payments] td .money", "[data-testid=accounts] td"],
        [`room=${ROOM}`, ".sale-clock", ".sale-stock .hint", ".order-when", ".order-money .money", "[data-testid=figures] dd"],
        ["view=audit", "[data-testid=audit] td", "[data-testid=audit] th[scope=row]"],
      ]) {
        await go(page, where);
        await page.locator(figures[0]).first().waitFor();
        await until(async () => !(await jumpingFigures(page, ...figures)).some((one) => one.startsWith("no ")), `all of ${figures.join(", ")}`);
        assert.deepEqual(await jumpingFigures(page, ...figures), [], `${where} ${look.viewport.width}`);
      }
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  });
});
