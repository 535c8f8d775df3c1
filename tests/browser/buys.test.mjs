// What people do in the pages, in real browsers against a real server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { browserMissing, closeSheet, connected, openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const order = (page) => page.getByTestId("sheet").getByTestId("order-state");
const stateIs = (page, ...states) =>
  until(
    async () => states[states.indexOf(await order(page).getAttribute("data-state"))],
    `the order to be ${states.join(" or ")}`,
  );
const accrued = async (page) => Number(await page.getByTestId("charity-accrued").getAttribute("data-minor"));

async function fillShipping(page) {
  await page.getByTestId("ship-name").fill("林小满");
  await page.getByTestId("ship-phone").fill("13800000000");
  await page.getByTestId("ship-address").fill("示例路 1 号");
}

/** The sandbox is slower than a tap: the sheet says paid by itself. */
async function pay(page) {
  await fillShipping(page);
  await page.getByTestId("pay-approve").click();
  await stateIs(page, "paid");
}

describe("the pages", { skip: missing }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser?.close());

  describe("of the demo", () => {
    let server;
    before(async () => {
      server = await Server.start({ demo: true });
    });
    after(() => server?.stop());

    test("a newcomer buys, the charity counter moves, and a power cut loses nothing", async () => {
      const page = await visit(browser, server.links.viewer);
      assert.ok(!page.url().includes("token"), "the token has left the address bar");
      await page.getByTestId("room-title").filter({ hasText: "杏子谷" }).waitFor();
      await connected(page);

      const stock = Number(await page.getByTestId("sale-left").getAttribute("data-left"));
      assert.ok(stock > 0, "the demo opened a sale");
      const before = await accrued(page);
      await page.getByTestId("buy").click();
      await stateIs(page, "held");
      await page.getByTestId("pay-approve").click();
      assert.equal(await page.locator("[aria-invalid=true]").count(), 3, "an empty form is not sent");
      await pay(page);
      const id = await page.locator(".order-number code").textContent();
      await until(async () => (await accrued(page)) > before, "the charity counter to move");
      const given = await accrued(page);
      await closeSheet(page);

      assert.deepEqual(page.complaints, []);
      await server.kill();
      await page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor();
      await server.restart();
      await connected(page);
      assert.ok((await accrued(page)) >= given, "the counter is read from the ledger, so it is still there");

      await page.getByRole("button", { name: "我的订单" }).click();
      const line = page.locator(`[data-testid="order"][data-order="${id}"]`);
      await line.waitFor();
      assert.equal(await line.getByTestId("order-state").getAttribute("data-state"), "paid");
      // While the server was away the browser itself says that it could not connect; the page says nothing.
      assert.deepEqual(page.complaints.filter((text) => !/ERR_CONNECTION|WebSocket connection to/.test(text)), []);
      await page.context().close();
    });

    test("the front door lists the room, in both languages and without a token", async () => {
      const page = await visit(browser, `${server.base}/`, { locale: "en-GB" });
      const door = page.locator('a[href="/rooms/apricot-valley"]');
      await door.getByText("Live").waitFor();
      await page.getByRole("button", { name: "中" }).click();
      await door.getByText("直播中").waitFor();
      await door.click();
      await page.getByTestId("room-title").filter({ hasText: "杏子谷" }).waitFor();
      await connected(page);
      assert.equal(await page.getByTestId("chat-input").count(), 0, "a guest watches");
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });

    test("ops see that nothing is oversold and that the ledger balances", async () => {
      const page = await visit(browser, server.links.ops, { viewport: { width: 1280, height: 800 } });
      await page.locator(".light").nth(2).waitFor();
      assert.equal(await page.locator('.light[data-good="false"]').count(), 0);
      await page.getByTestId("view-rooms").click();
      await page.locator("a[href='#room=apricot-valley']").waitFor();
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });
  });

  describe("of a host who starts from nothing", () => {
    const room = "hillside";
    let server;
    let token;
    before(async () => {
      server = await Server.start({ env: { APRICOT_SALE__OFFER_SECONDS: "10" } });
      const tokens = ["viewer:mei:小梅", "viewer:tom:Tom", "host:lin:老林"].map(async (who) => {
        const [role, subject, name] = who.split(":");
        return [subject, await server.token(role, subject, name)];
      });
      token = Object.fromEntries(await Promise.all(tokens));
      await server.call("POST", "/v1/products", token.lin, {
        sku: "walnut-1kg",
        title: "薄皮核桃",
        unit: "1 kg",
        price: { minor: "4680", currency: "CNY" },
        onHand: 100,
        category: "farm",
      });
      ({ id: token.pledge } = await server.pledge(token.lin));
      await server.call("POST", "/v1/rooms", token.lin, { id: room, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
    });
    after(() => server?.stop());

    const enter = (who) => visit(browser, `${server.base}/rooms/${room}#token=${token[who]}`);
    const hostPage = () =>
      visit(browser, `${server.base}/host#token=${token.lin}&room=${room}`, { viewport: { width: 1280, height: 900 } });

    test("two want the last piece: one gets it, the other is offered it when it comes back", async () => {
      const [host, mei, tom] = await Promise.all([hostPage(), enter("mei"), enter("tom")]);
      await host.getByTestId("state-live").click();
      await mei.locator('.viewers[data-on-air="true"]').waitFor();

      await host.getByTestId("sheet-add").click();
      await host.getByTestId("sheet-pick").click();
      await closeSheet(host);
      await host.getByTestId("sheet-sale").click();
      await host.locator("#sale-price").fill("32.80");
      await host.locator("#sale-stock").fill("1");
      await host.locator("#sale-limit").fill("1");
      await host.locator("#sale-holdSeconds").fill("10");
      await host.locator("#sale-pledgeId").selectOption(token.pledge);
      await host.getByTestId("sale-create").click();
      await Promise.all([mei, tom].map((page) => page.getByTestId("buy").waitFor()));

      // Both press at once. Who is later is told so; or sees it in time, and the button has become the waiting list's.
      await Promise.all([mei, tom].map((page) => page.evaluate(() => document.querySelector("[data-testid=buy], [data-testid=wait]").click())));
      const states = await Promise.all([mei, tom].map((page) => stateIs(page, "held", "refused", "waiting")));
      assert.equal(states.filter((state) => state === "held").length, 1, "one piece, one buyer");
      const [first, second] = states[0] === "held" ? [mei, tom] : [tom, mei];

      // A declined card keeps the hold for another try; then the time runs out.
      const decline = async () => {
        await fillShipping(first);
        await first.getByTestId("pay-decline").click();
        await first.getByRole("heading", { name: "货还给您留着" }).waitFor();
      };
      const wait = async () => {
        if (states.includes("refused")) await second.getByTestId("sheet-wait").click();
        await stateIs(second, "waiting");
      };
      const row = host.locator(".sale-row");
      await Promise.all([decline(), wait()]);
      await row.getByTestId("sale-waiting").filter({ hasText: "1" }).waitFor();
      await row.getByTestId("sale-held").filter({ hasText: "1" }).waitFor();
      await stateIs(first, "expired");
      await stateIs(second, "held");
      await second.getByRole("heading", { name: "轮到您" }).waitFor();

      // The offer is declined, and the piece is for all again.
      await second.getByRole("button", { name: "不要了" }).click();
      await stateIs(second, "released");
      await closeSheet(second);
      await closeSheet(first);
      await first.getByTestId("buy").click();
      await stateIs(first, "held");
      await pay(first);
      // With its last piece sold the sale closes by itself, and its row goes: the figures stay.
      await host.getByTestId("figure-orders").filter({ hasText: "1" }).waitFor();
      await until(async () => (await accrued(host)) === 164, "5 % of 32.80 on the host's counter");
      await host.getByTestId("to-pack").filter({ hasText: "1" }).waitFor();
      const [list] = await Promise.all([host.waitForEvent("download"), host.locator(".live-panel").getByRole("button", { name: "装箱单" }).click()]);
      assert.match(await readFile(await list.path(), "utf8"), /林小满/);
      for (const page of [host, mei, tom]) assert.deepEqual(page.complaints, []);
      await Promise.all([host, mei, tom].map((page) => page.context().close()));
    });

    test("a hold that is given back goes to the one who waits", async () => {
      await server.call("POST", `/v1/rooms/${room}/sales`, token.lin, {
        sku: "walnut-1kg",
        price: { minor: "2000", currency: "CNY" },
        stock: 1,
        limitPerBuyer: 1,
        holdSeconds: 60,
        durationSeconds: 600,
        openNow: true,
      });
      const [mei, tom] = await Promise.all([enter("mei"), enter("tom")]);
      await mei.getByTestId("buy").click();
      await stateIs(mei, "held");
      await tom.getByTestId("wait").click();
      await stateIs(tom, "waiting");
      await closeSheet(tom);
      await mei.getByRole("button", { name: "不要了" }).click();
      await stateIs(mei, "released");
      await tom.locator('.reminder[data-offered="true"]').click();
      await pay(tom);
      for (const page of [mei, tom]) assert.deepEqual(page.complaints, []);
      await Promise.all([mei, tom].map((page) => page.context().close()));
    });

    test("what the host said while a phone was in a tunnel is there once", async () => {
      const mei = await enter("mei");
      await connected(mei);
      const say = (text) => server.call("POST", `/v1/rooms/${room}/notices`, token.lin, { text });
      await say("先说一句");
      await mei.getByText("先说一句").waitFor();
      await mei.context().setOffline(true);
      await mei.locator('[data-testid="connection"][data-state="offline"]').waitFor();
      await say("隧道里说的");
      await mei.context().setOffline(false);
      await mei.getByText("隧道里说的").waitFor();
      await say("出来以后说的");
      await mei.getByText("出来以后说的").waitFor();
      const notices = await mei.locator(".line.notice").allTextContents();
      assert.deepEqual(notices.map((text) => text.split(" ").at(-1)).slice(-3), ["先说一句", "隧道里说的", "出来以后说的"]);
      assert.deepEqual(mei.complaints, []);
      await mei.context().close();
    });

    test("hostile chat is only text", async () => {
      const [mei, tom, host] = await Promise.all([enter("mei"), enter("tom"), hostPage()]);
      await connected(mei);
      const lines = [
        `<img src=x onerror="alert(1)"><script>alert(2)</script>`,
        `\u202e反着写 مرحبا \u2067\u202d <b>`,
        "🍑👨‍👩‍👧‍👦".repeat(15) + "Z\u0335\u0322\u0348\u0353\u0316a\u0335\u0310\u0350l\u0337\u0308g\u0334\u0300o",
      ];
      for (const line of lines) {
        await mei.getByTestId("chat-input").fill(line);
        await mei.getByTestId("chat-send").click();
        await until(async () => (await mei.getByTestId("chat-input").inputValue()) === "", `"${line}" to be sent`);
      }
      // Of 10 kB of emoji the field takes what a line may have; a fourth line waits for its turn.
      await mei.getByTestId("chat-input").fill("🍑".repeat(2_560));
      const flood = "🍑".repeat(200);
      assert.ok((await mei.getByTestId("chat-input").inputValue()) === flood, "200 characters are in the field");
      await until(async () => {
        await mei.getByTestId("chat-input").press("Enter");
        return (await mei.getByTestId("chat-input").inputValue()) === "";
      }, "the emoji to be sent", 20_000);
      for (const page of [tom, host]) {
        const last = page.getByTestId("chat-line");
        await until(async () => (await last.count()) > lines.length, "the lines to come");
        assert.ok((await last.allTextContents()).join("").includes(flood), "the emoji are shown");
        const shown = (await last.allTextContents()).join("\n");
        assert.ok(shown.includes(`<img src=x onerror="alert(1)"><script>alert(2)</script>`), "markup is shown as it was typed");
        assert.equal(await last.locator("img, script").count(), 0);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `a line pushes the page ${wide} px wide`);
      }
      // A mark that turns the direction stays in its own line: the name of the next one is still at its left.
      const lefts = await tom.locator(".line b").evaluateAll((names) => names.map((name) => name.getBoundingClientRect().left));
      assert.ok(Math.max(...lefts) - Math.min(...lefts) < 2, `names at ${lefts}`);
      for (const page of [mei, tom, host]) assert.deepEqual(page.complaints, []);
      await Promise.all([mei, tom, host].map((page) => page.context().close()));
    });

    test("a deleted line goes from every page", async () => {
      const [mei, host] = await Promise.all([enter("mei"), hostPage()]);
      const line = mei.getByTestId("chat-line").filter({ hasText: "onerror" });
      await line.waitFor();
      await host.getByTestId("chat-line").filter({ hasText: "onerror" }).getByRole("button").first().click();
      await host.getByTestId("line-delete").click();
      await line.waitFor({ state: "detached" });
      for (const page of [mei, host]) assert.deepEqual(page.complaints, []);
      await Promise.all([mei, host].map((page) => page.context().close()));
    });

    test("a tap that the server never answered becomes one order after it is back, with no second one", async () => {
      const sale = await server.call("POST", `/v1/rooms/${room}/sales`, token.lin, {
        sku: "walnut-1kg",
        price: { minor: "2000", currency: "CNY" },
        stock: 9,
        limitPerBuyer: 5,
        holdSeconds: 120,
        durationSeconds: 600,
        openNow: true,
      });
      const mei = await enter("mei");
      const buy = mei.locator(`[data-sale="${sale.id}"]`).getByTestId("buy");
      await buy.waitFor();
      // It hears the tap no more than a machine that has just lost its power.
      server.child.kill("SIGSTOP");
      await buy.click();
      await stateIs(mei, "placing");
      await server.kill();
      await server.restart();
      await stateIs(mei, "held");
      const { orders } = await server.call("GET", "/v1/orders", token.mei);
      assert.equal(orders.filter(({ saleId }) => saleId === sale.id).length, 1);
      await pay(mei);
      await mei.context().close();
    });

    test("after the end a buyer still finds the order and what was given, and the record is whole", async () => {
      const [host, mei] = await Promise.all([hostPage(), enter("mei")]);
      await connected(mei);
      await host.getByTestId("state-end").click();
      await host.getByTestId("state-end-sure").click();
      await mei.locator('.room[data-state="ended"]').waitFor();
      await mei.reload();
      await mei.locator('.room[data-state="ended"]').waitFor();
      await until(async () => (await accrued(mei)) === 164, "what the room gave");
      await mei.getByRole("button", { name: "我的订单" }).click();
      await mei.locator('[data-testid="order"] [data-state="paid"]').first().waitFor();
      await host.reload();
      await host.getByTestId("room-title").waitFor();
      for (const page of [host, mei]) assert.deepEqual(page.complaints, []);
      await Promise.all([host, mei].map((page) => page.context().close()));
      await server.kill();
      const { code, said } = await server.check();
      assert.equal(code, 0, said);
    });
  });
});
