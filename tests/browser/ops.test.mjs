// The page of ops: the feed and its charts, lights, rooms in depth, and what ops may do about each.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { HOSTILE, browserMissing, closeSheet, confirm, connected, objections, openBrowser, standing, tooSmall, until, visit } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const DESK = { viewport: { width: 1440, height: 900 }, locale: "en-GB" };
const PHONE = { width: 390, height: 844 };
const ROOM = "hillside";
const HOSTILE_SKU = "towers";

const shownNumber = (text) => Number((text ?? "").replaceAll(/[^\d.]/g, ""));

describe("the page of ops", { skip: missing }, () => {
  let token;
  let browser;
  let server;
  let sale;

  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    token = await server.tokens("viewer:mei:小梅", "viewer:tom:Tom", "host:lin:老林", "ops:watch:值班", "auditor:shen:沈审计");
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    await server.call("POST", "/v1/products", token.lin, { ...WALNUT, sku: HOSTILE_SKU, title: HOSTILE["right-to-left"].title, unit: HOSTILE.towers.place });
    await server.live(token.lin, ROOM, { sale: false });
    sale = await server.sell(token.lin, ROOM);
    await server.live(token.lin, "valley", { sale: false, title: "谷里的杏" });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const ops = (where = "view=overview", options = DESK, who = "watch") => visit(browser, `${server.base}/ops#${where}&token=${token[who]}`, options);
  const watch = (who = "mei") => visit(browser, `${server.base}/rooms/${ROOM}#token=${token[who]}`);

  test("a link that is no link of ops says so", async () => {
    const nobody = await visit(browser, `${server.base}/ops`, DESK);
    await nobody.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(await nobody.getByTestId("status").count(), 0);
    const wrong = await visit(browser, `${server.base}/ops#token=not.a.token`, DESK);
    await wrong.getByText("This ops link is no longer good.").waitFor();
    const viewer = await visit(browser, `${server.base}/ops#token=${token.mei}`, DESK);
    await viewer.getByText("This link is not for ops.").waitFor();
    for (const page of [nobody, wrong, viewer]) await page.context().close();
  });

  test("the feed draws numbers that grow with the load, and the lights come from the record", async () => {
    const page = await ops();
    await standing(page, "good");
    const connections = async () => shownNumber(await page.getByTestId("tile-connections").textContent());
    const alone = await until(connections, "connections in the feed");
    const crowd = await Promise.all(["mei", "tom", "mei", "tom"].map(watch));
    await until(async () => (await connections()) >= alone + crowd.length, "four more connections");
    await page.getByTestId("chart-deliveries").scrollIntoViewIfNeeded();
    // A room where nothing happens is told nothing: somebody sends hearts meanwhile.
    const stirred = async () => {
      await crowd[0].locator(".heart-button").click();
      return shownNumber(await page.locator('[data-value="deliveries.state"]').textContent()) > 0;
    };
    await until(stirred, "deliveries on the chart");
    assert.ok(await page.getByTestId("chart-deliveries").locator("canvas").count(), "it is drawn");

    for (const named of ["not_oversold", "trial_balance_zero"]) {
      const light = page.locator(`[data-testid="light"][data-light="${named}"][data-good="true"]`);
      await light.waitFor({ timeout: 60_000 });
      assert.equal(shownNumber(await light.locator(".large-number").textContent()), 0);
    }
    await page.getByText("what is sold and what is held is no more than its stock").waitFor();
    assert.equal(await page.locator('.light[data-good="false"]').count(), 0);
    const folded = page.locator('[data-testid="lights-kept"] [data-light="hold_ends_once"]');
    assert.equal(await folded.isVisible(), false);
    await page.getByTestId("lights-kept").locator("summary").click();
    await folded.getByText("An order has one open hold exactly while it is held").waitFor();
    assert.deepEqual(page.complaints, []);
    for (const one of [page, ...crowd]) await one.context().close();
  });

  test("rooms are sorted by any column, by keys too, and found by a word", async () => {
    const page = await ops("view=rooms");
    const viewer = await watch();
    const order = () => page.locator('[data-testid="rooms"] tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.row));
    await until(async () => (await order())[0] === ROOM, "the fuller room on top");
    await page.getByTestId("sort-viewers").focus();
    await page.keyboard.press("Enter");
    await until(async () => (await order())[0] === "valley", "the emptier room on top");
    assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "ascending");
    await page.getByTestId("find-room").fill("山坡");
    assert.deepEqual(await order(), [ROOM]);
    await page.locator(`a[href='#room=${ROOM}']`).click();
    await page.getByTestId("room-state").waitFor();
    await page.getByTestId("sale-row").waitFor();
    assert.deepEqual(page.complaints, []);
    await Promise.all([page.context().close(), viewer.context().close()]);
  });

  test("on a phone rooms are sorted by any column, and the other way round", async () => {
    const page = await ops("view=rooms", { ...DESK, viewport: PHONE });
    const viewer = await watch();
    const order = () => page.locator('[data-testid="rooms"] tbody tr').evaluateAll((rows) => rows.map((row) => row.dataset.row));
    const turn = page.getByTestId("sort-turn");
    await until(async () => (await order())[0] === ROOM, "the fuller room on top");
    assert.equal(await turn.getAttribute("aria-pressed"), "true");
    await turn.click();
    await until(async () => (await order())[0] === "valley", "the emptier room on top");
    assert.equal(await turn.getAttribute("aria-pressed"), "false");
    await page.getByTestId("sort-by").selectOption("paid");
    assert.equal(await turn.getAttribute("aria-pressed"), "true", "another column begins with its largest");
    await page.getByTestId("sort-by").selectOption("room");
    const byName = await order();
    await turn.click();
    assert.deepEqual(await order(), [...byName].reverse());
    assert.deepEqual(page.complaints, []);
    await Promise.all([page.context().close(), viewer.context().close()]);
  });

  test("a sale is paused for a reason: the viewer sees it, and the trail has it", async () => {
    const page = await ops(`room=${ROOM}`);
    const viewer = await watch();
    await viewer.locator('[data-testid="buy"]:not([disabled])').waitFor();
    await page.getByTestId("sale-pause").click();
    await confirm(page, "price is wrong");
    await page.locator('[data-testid="sale-row"][data-state="paused"]').waitFor();
    await viewer.locator('[data-testid="buy"]:not([disabled])').waitFor({ state: "detached" });

    await page.getByTestId("view-audit").click();
    await page.locator('tr[data-row="pause-sale"]').filter({ hasText: "price is wrong" }).filter({ hasText: "watch" }).waitFor();
    await page.goBack();
    await page.getByTestId("sale-resume").click();
    await confirm(page, "price is right");
    await page.locator('[data-testid="sale-row"][data-state="open"]').waitFor();
    await viewer.locator('[data-testid="buy"]:not([disabled])').waitFor();
    assert.deepEqual(page.complaints, []);
    await Promise.all([page.context().close(), viewer.context().close()]);
  });

  test("a room is paused and goes on again, each for a reason: the viewer sees both", async () => {
    const page = await ops(`room=${ROOM}`);
    const viewer = await watch();
    await viewer.locator('.room[data-state="live"]').waitFor();
    await page.getByTestId("room-pause").click();
    await confirm(page, "the camera fell over");
    await page.locator('[data-testid="room-state"][data-state="paused"]').waitFor();
    await viewer.locator('.room[data-state="paused"]').waitFor();
    await viewer.getByText("马上回来").first().waitFor();
    assert.equal(await page.getByTestId("room-pause").count(), 0);
    await page.getByTestId("room-resume").click();
    await confirm(page, "it stands again");
    await page.locator('[data-testid="room-state"][data-state="live"]').waitFor();
    await viewer.locator('.room[data-state="live"]').waitFor();
    await page.getByTestId("view-audit").click();
    await page.locator('tr[data-row="change-state"]').filter({ hasText: "the camera fell over" }).getByText(`${ROOM} → `).waitFor();
    assert.deepEqual(page.complaints, []);
    await Promise.all([page.context().close(), viewer.context().close()]);
  });

  test("an order is refunded in part and then wholly", async () => {
    const order = await server.buy(token.tom, sale.id);
    const page = await ops(`room=${ROOM}`);
    const refund = async (amount, reason) => {
      await page.getByTestId("find-order").fill(order);
      await page.getByTestId("find-order").press("Enter");
      await page.getByTestId("refund").click();
      if (amount !== undefined) await page.getByTestId("refund-amount").fill(amount);
      await confirm(page, reason);
    };
    await refund("10.00", "one bag was torn");
    const read = () => server.call("GET", `/v1/orders/${order}`, token.tom);
    await until(async () => (await read()).refunded?.minor === "1000", "ten yuan to come back");
    await refund(undefined, "the rest too");
    await until(async () => (await read()).state === "ORDER_STATE_REFUNDED", "all of it to come back");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("who is muted watches on and can't speak until pardoned", async () => {
    const page = await ops(`room=${ROOM}`);
    const viewer = await watch("tom");
    await connected(viewer);
    const say = async (text) => {
      await viewer.getByTestId("chat-input").fill(text);
      await viewer.getByTestId("chat-input").press("Enter");
    };
    await say("买一送一的在隔壁");
    await page.getByTestId("chat-line").filter({ hasText: "买一送一的在隔壁" }).getByTestId("chat-act").click();
    await page.getByTestId("mute").click();
    await page.getByTestId("confirm").getByText("They can’t speak in this room for 60 minutes.").waitFor();
    await confirm(page, "sends people away");
    await say("还能说吗");
    await viewer.getByText("暂时不能说话").waitFor();
    await viewer.locator('[data-testid="connection"][data-state="live"]').waitFor({ state: "attached" });
    await page.getByTestId("subject").fill("tom");
    await page.getByTestId("subject").press("Enter");
    await page.getByTestId("pardon").click();
    await confirm(page, "it was a joke");
    await say("对不起大家");
    await page.getByTestId("chat-line").filter({ hasText: "对不起大家" }).waitFor();
    assert.equal(await page.getByTestId("chat-line").filter({ hasText: "还能说吗" }).count(), 0);
    assert.deepEqual(page.complaints, []);
    await Promise.all([page.context().close(), viewer.context().close()]);
  });

  test("who is banned leaves the room, and comes back when pardoned", async () => {
    const page = await ops(`room=${ROOM}`);
    const viewer = await watch();
    await connected(viewer);
    await viewer.getByTestId("chat-input").fill("最便宜的在我这里");
    await viewer.getByTestId("chat-input").press("Enter");
    await page.getByTestId("chat-line").filter({ hasText: "最便宜的在我这里" }).getByTestId("chat-act").click();
    await page.getByTestId("ban").click();
    await confirm(page, "advertises elsewhere");
    await viewer.locator('[data-testid="connection"][data-state="over"]').waitFor({ state: "attached" });
    await page.getByTestId("subject").fill("mei");
    await page.getByTestId("subject").press("Enter");
    await page.getByTestId("pardon").click();
    await confirm(page, "said sorry");
    const back = await watch();
    await connected(back);
    assert.deepEqual(page.complaints, []);
    for (const one of [page, viewer, back]) await one.context().close();
  });

  test("an auditor sees everything and changes nothing", async () => {
    const page = await ops(`room=${ROOM}`, DESK, "shen");
    await page.getByTestId("sale-row").waitFor();
    for (const act of ["sale-pause", "room-stop", "chat-act"]) assert.equal(await page.getByTestId(act).count(), 0, act);
    await page.getByTestId("view-overview").click();
    await standing(page, "good");
    assert.equal(await page.getByTestId("drain").count(), 0);
    await page.getByTestId("view-audit").click();
    await page.getByTestId("audit").waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("axe has nothing against any view, by day and by night, small and large, in both languages", async () => {
    await server.buy(token.tom, sale.id);
    for (const look of [
      { viewport: PHONE, locale: "zh-CN", colorScheme: "light" },
      { viewport: PHONE, locale: "en-GB", colorScheme: "dark" },
      { viewport: DESK.viewport, locale: "en-GB", colorScheme: "light" },
      { viewport: DESK.viewport, locale: "zh-CN", colorScheme: "dark" },
    ]) {
      const page = await ops("view=overview", look);
      await standing(page, "good");
      const clean = async (what) => {
        assert.deepEqual(await tooSmall(page), [], `${what} ${look.viewport.width}`);
        assert.deepEqual(await objections(page), [], `${what} ${look.colorScheme} ${look.locale} ${look.viewport.width}`);
        const spare = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(spare <= 0, `${what} is ${spare} px wider than the screen`);
      };
      for (const [where, there] of [
        ["view=overview", page.getByTestId("lights-kept")],
        ["view=rooms", page.getByTestId("rooms")],
        ["view=delivery", page.getByTestId("chart-deliveries")],
        ["view=record", page.getByTestId("chart-commits")],
        ["view=money", page.getByTestId("payments")],
        ["view=remittances", page.getByTestId("papers-charity")],
        ["view=audit", page.getByTestId("audit")],
        [`room=${ROOM}`, page.getByTestId("order").first()],
      ]) {
        await page.evaluate((hash) => (location.hash = hash), `#${where}`);
        await there.waitFor();
        if (where === "view=overview") await page.getByTestId("lights-kept").locator("summary").click();
        await clean(where);
      }
      await page.getByTestId("order").first().click();
      await page.getByTestId("order-sheet").waitFor();
      await clean("an order");
      await closeSheet(page);
      await page.getByTestId("sale-pause").click();
      await page.getByTestId("confirm").waitFor();
      await clean("what will happen");
      await closeSheet(page);
      await page.getByTestId("subject").fill("mei");
      await page.getByTestId("subject").press("Enter");
      await page.getByTestId("person").waitFor();
      await clean("a person");
      await closeSheet(page);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  });

  test("hostile names and titles stay where they are put, and one's own words where they were typed", async () => {
    const rooms = Object.entries(HOSTILE);
    for (const [id, words] of rooms) {
      await server.call("POST", "/v1/rooms", token.lin, { id, ...words });
      await server.call("POST", `/v1/rooms/${id}/state`, token.lin, { state: "ROOM_STATE_LIVE" });
      const lot = { sku: HOSTILE_SKU, price: { minor: "3980", currency: "CNY" }, stock: 10, limitPerBuyer: 5, durationSeconds: 3600, openNow: true };
      await server.call("POST", `/v1/rooms/${id}/sales`, token.lin, lot);
      const viewer = await visit(browser, `${server.base}/rooms/${id}#token=${token.mei}`);
      await connected(viewer);
      await viewer.getByTestId("chat-input").fill("\u202e\u2067<script>alert(1)</script> نخل");
      await viewer.getByTestId("chat-send").click();
      await viewer.getByTestId("chat-line").first().waitFor();
      await viewer.context().close();
    }
    for (const viewport of [{ width: 360, height: 740 }, DESK.viewport]) {
      const page = await ops("view=rooms", { viewport, locale: "en-GB" });
      const fits = async (what) => {
        const spare = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(spare <= 0, `${what} is ${spare} px wider than the screen at ${viewport.width}`);
        assert.equal(await page.locator("main script").count(), 0);
      };
      for (const [id, { title }] of rooms) {
        const line = page.locator(`tr[data-row="${id}"] th`);
        await line.waitFor();
        assert.equal(await line.locator("a > bdi").textContent(), title);
        // The id after it is read from the left, whatever the title turns.
        assert.match(await line.locator(".hint").textContent(), new RegExp(`^${id} · `));
      }
      await fits("the list of rooms");
      for (const [id] of rooms) {
        await page.evaluate((hash) => (location.hash = hash), `#room=${id}`);
        await page.locator(".room-head code").filter({ hasText: id }).waitFor();
        await page.getByTestId("sale-row").waitFor();
        await page.getByTestId("chat-line").filter({ hasText: "<script>" }).waitFor();
        await fits(id);
        await page.getByTestId("room-stop").click();
        const heading = page.getByTestId("confirm").locator("h2");
        // Ours begin and end the sentence: what was typed is isolated and turns nothing.
        assert.match(await heading.textContent(), /^Stop “\u2068[^\u202a-\u202e]*\u2069”\?$/u);
        await fits(`stopping ${id}`);
        await closeSheet(page);
      }
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
    for (const [id] of rooms) await server.call("POST", `/v1/rooms/${id}/state`, token.lin, { state: "ROOM_STATE_ENDED" });
  });

  test("a killed server is said at once, and the page recovers by itself", async () => {
    const page = await ops();
    await standing(page, "good");
    await server.kill();
    await standing(page, "blind");
    await page.getByText(/No readings for \d+ s/).waitFor();
    await server.restart();
    await standing(page, "good");
    await page.context().close();
  });

  test("a room is stopped only with its name typed, and a node drains with its own", async () => {
    const page = await ops("room=valley");
    await page.getByTestId("room-stop").click();
    await confirm(page, "the camera shows the wrong field", "valley");
    await page.locator('[data-testid="room-state"][data-state="ended"]').waitFor();
    await page.getByTestId("view-overview").click();
    const name = await page.locator(".node-name b").first().textContent();
    const gone = new Promise((resolve) => server.child.once("exit", resolve));
    await page.getByTestId("drain").click();
    await page.getByTestId("reason").fill("a new disk");
    await page.getByTestId("typed").fill(name);
    await page.getByTestId("confirm-yes").click();
    assert.equal(await gone, 0, "it ended in order");
    await standing(page, "blind");
    await page.context().close();
    const { code, said } = await server.check();
    assert.equal(code, 0, said);
  });
});
