// The viewer's page beyond a purchase: lines that break, hearts, guests, and the papers of a purchase.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, closeSheet, connected, cover, fillShipping, note, objections, openBrowser, until, visit } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const left = async (page) => Number(await page.getByTestId("sale-left").getAttribute("data-left"));

describe("the viewer's page", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  let pledge;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    Object.assign(token, await server.tokens("viewer:mei:小梅", "viewer:tom:Tom", "viewer:ana:Ana", "host:lin:老林", "ops:ops:值班"));
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    pledge = await server.pledge(token.lin, { cap: { minor: "100000", currency: "CNY" } });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const room = (id, { sale = true, ...more } = {}) => server.live(token.lin, id, { sale: sale && { pledgeId: pledge.id, ...sale }, ...more });
  const link = (address, who) => `${address}#token=${token[who]}`;

  async function buy(page, quantity = 1) {
    for (let n = 1; n < quantity; n += 1) await page.locator(".stepper .round").last().click();
    await page.getByTestId("buy").click();
    await page.locator('[data-testid="order-state"][data-state="held"]').waitFor();
    await fillShipping(page);
    await page.getByTestId("pay-approve").click();
    await page.getByTestId("open-receipt").waitFor();
  }

  test("an offline phone says so, comes back without a reload, and never shows an older number after a newer one", async () => {
    const address = await room("tunnel");
    const page = await visit(browser, link(address, "mei"));
    await connected(page);
    const loaded = await page.evaluate(() => performance.timeOrigin);
    const lefts = await note(page, "sale-left", "data-left");
    const sequences = await note(page, "charity-accrued", "data-sequence");
    const totals = await note(page, "charity-accrued", "data-minor");
    const sale = await page.getByTestId("sale-card").getAttribute("data-sale");
    const hold = (who) => server.call("POST", "/v1/orders", token[who], { orderId: crypto.randomUUID(), saleId: sale, quantity: 2 });
    const buy = (who) => server.buy(token[who], sale, 2);
    await buy("tom");
    await until(async () => (await left(page)) === 18, "the first order");
    await until(async () => (await sequences.noted()).length > 1, "the counter to move");
    await page.context().setOffline(true);
    await page.locator('[data-testid="connection"][data-state="offline"]').waitFor();
    assert.equal(await page.getByTestId("buy").isDisabled(), true, "nothing can be bought without a line");
    await buy("tom");
    await hold("ana");
    await page.context().setOffline(false);
    await until(async () => (await left(page)) === 14, "what happened meanwhile");
    await connected(page);

    // Covered, it is told of what happens and draws it when it is looked at again.
    await cover(page, true);
    await buy("ana");
    await cover(page, false);
    await until(async () => (await left(page)) === 12, "what happened behind the other page");
    const { grossAccruedMinor } = await server.call("GET", `/v1/pledges/${pledge.id}/total`);
    await until(async () => (await totals.noted()).at(-1) === grossAccruedMinor, "the counter to be the ledger's");
    const down = (await lefts.noted()).map(Number);
    assert.deepEqual(down, [...down].sort((a, b) => b - a), "the stock only went down");
    assert.deepEqual(down.slice(-1), [12]);
    for (const growing of [sequences, totals]) {
      const up = (await growing.noted()).map(Number);
      assert.ok(up.length > 1, "the counter moved");
      assert.deepEqual(up, [...up].sort((a, b) => a - b), "the counter only went up");
    }
    assert.equal(loaded, await page.evaluate(() => performance.timeOrigin));
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("hearts rise in every page, and who comes and goes is counted", async () => {
    const address = await room("hearts", { sale: false });
    const page = await visit(browser, link(address, "mei"));
    await connected(page);
    const watching = () => page.getByTestId("viewers").getAttribute("data-viewers").then(Number);
    await until(async () => (await watching()) === 1, "one who watches");
    const guest = await visit(browser, address);
    await connected(guest);
    await until(async () => (await watching()) === 2, "two who watch");

    const hearts = async (of) => Number((await of.locator(".heart-count").count()) && (await of.locator(".heart-count").textContent()));
    const risen = async (of) => (await of.evaluate(() => globalThis.risen)) > 0;
    for (const of of [page, guest]) {
      await of.evaluate(() => {
        globalThis.risen = 0;
        const count = (changes) => (globalThis.risen += changes.flatMap(({ addedNodes }) => [...addedNodes]).length);
        new MutationObserver(count).observe(document.querySelector(".hearts"), { childList: true });
      });
    }
    await page.locator(".heart-button").click();
    await until(() => risen(page), "one's own heart to rise at once");
    await until(async () => (await hearts(guest)) === 1, "the room's count");
    for (let n = 0; n < 3; n += 1) await page.locator(".heart-button").click();
    await until(async () => (await hearts(guest)) === 4 && (await hearts(page)) === 4, "all of them, on both pages");
    await until(() => risen(guest), "the others' hearts to rise");
    await until(async () => (await page.locator(".rising").count()) === 0, "hearts to go when they are up");

    await guest.context().close();
    await until(async () => (await watching()) === 1, "one who watches again");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a slow payment may be waited for with the sheet closed, and is told when it comes", async () => {
    const address = await room("slow-bank");
    const page = await visit(browser, link(address, "tom"));
    await server.call("PUT", "/sandbox/v1/knobs", token.ops, { slowMs: 2_500 });
    await page.getByTestId("buy").click();
    await page.locator('[data-testid="order-state"][data-state="held"]').waitFor();
    await fillShipping(page);
    await page.getByTestId("pay-slow").click();
    await page.getByText("正在等银行回话…").waitFor();
    assert.equal(await page.getByTestId("pay-slow").count(), 0, "nobody pays twice");
    assert.deepEqual(await objections(page), []);
    await closeSheet(page);
    await page.getByRole("button", { name: "我的订单" }).click();
    await page.locator('[data-testid="order"] [data-state="paid"]').first().waitFor();
    await server.call("PUT", "/sandbox/v1/knobs", token.ops, {});
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  describe("and guests", () => {
    test("who want to buy are told how, and come in with the link that was opened beside", async () => {
      const address = await room("guests");
      const page = await visit(browser, address);
      await connected(page);
      await page.getByTestId("buy").click();
      const sheet = page.getByTestId("sign-in-sheet");
      await sheet.getByText("请主播在聊天群里把链接发给您。").waitFor();
      assert.equal(await sheet.getByTestId("sign-in-other").count(), 0);
      assert.deepEqual(await objections(page), []);

      const beside = await visit(browser, link(address, "tom"), { context: page.context() });
      await connected(beside);
      await sheet.getByTestId("sign-in-other").click();
      await page.getByTestId("chat-input").waitFor();
      await buy(page);
      assert.deepEqual([...page.complaints, ...beside.complaints], []);
      await page.context().close();
    });

    test("may paste the link; one that has run out is called so", async () => {
      const address = await room("paste");
      const page = await visit(browser, address, { locale: "en-GB" });
      await page.getByTestId("sign-in").click();
      const sheet = page.getByTestId("sign-in-sheet");
      const enter = async (text) => {
        await sheet.locator("#sign-in-link").fill(text);
        await sheet.getByRole("button", { name: "Come in" }).click();
      };
      await enter("hello");
      await sheet.getByText("That does not look like such a link").waitFor();
      const claims = (what) => Buffer.from(JSON.stringify(what)).toString("base64url");
      await enter(`${address}#token=${claims({ alg: "EdDSA" })}.${claims({ sub: "mei", role: "viewer", exp: 1_700_000_000 })}.AAAA`);
      await sheet.getByText("This link has run out").waitFor();
      await enter(link(address, "ana"));
      await page.getByTestId("chat-input").waitFor();
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });

    test("whose link the server refuses may still watch", async () => {
      const address = await room("expired");
      const claims = (what) => Buffer.from(JSON.stringify(what)).toString("base64url");
      const old = `${claims({ alg: "EdDSA", kid: "x" })}.${claims({ sub: "mei", role: "viewer", exp: 1_700_000_000 })}.AAAA`;
      const page = await visit(browser, `${address}#token=${old}`);
      await page.getByRole("status").getByText("您的入场链接过期了").waitFor();
      await page.getByRole("button", { name: "先看看，不买" }).click();
      await connected(page);
      await page.getByTestId("sign-in").waitFor();
      await page.context().close();
    });
  });

  test("what a purchase gives is said before paying, and the receipt has it, refunds too, on screen and on paper", async () => {
    const address = await room("papers");
    const page = await visit(browser, link(address, "mei"));
    await connected(page);
    const gives = () => page.getByTestId("sale-gives").getAttribute("data-minor");
    assert.equal(await gives(), "164", "5 % of 32.80");
    await page.locator(".stepper .round").last().click();
    await until(async () => (await gives()) === "328", "twice as much for two");
    await page.getByTestId("buy").click();
    assert.equal(await page.getByTestId("sheet-gives").getAttribute("data-minor"), "328");
    assert.match(await page.getByTestId("sheet").locator(".label").textContent(), /捐赠信息.*¥65\.60.*¥3\.28.*山村小学午餐.*示例基金会.*53100000TEST00001X.*老林.*不是您捐.*捐满 ¥1,000\.00 为止/);
    assert.deepEqual(await objections(page), []);
    await fillShipping(page);
    await page.getByTestId("pay-approve").click();
    await page.getByTestId("open-receipt").click();
    const receipt = page.getByTestId("receipt");
    const number = await receipt.getByTestId("receipt-number").textContent();
    assert.equal(await receipt.getByTestId("receipt-charity").getAttribute("data-minor"), "328");
    assert.match(await receipt.textContent(), /老林 · 云南 漾濞.*薄皮核桃.*¥65\.60.*林小满.*山村小学午餐.*示例基金会.*53100000TEST00001X.*第 1 版/);
    assert.deepEqual(await objections(page), []);
    await page.locator(".sheet-close").click();

    await server.call("POST", `/v1/orders/${number}/refunds`, token.lin, { amount: { minor: "1000", currency: "CNY" }, reason: "少了一袋" });
    await until(async () => {
      const { refunded, paymentState } = await server.call("GET", `/v1/orders/${number}`, token.mei);
      return refunded?.minor === "1000" && paymentState !== "PAYMENT_STATE_REFUNDING";
    }, "the refund");
    await page.getByRole("button", { name: "我的订单" }).click();
    const line = page.locator(`[data-testid="order"][data-order="${number}"]`);
    await line.getByTestId("order-refunded").filter({ hasText: "已退 ¥10.00" }).waitFor();
    assert.deepEqual(await objections(page), []);
    await line.getByTestId("order-receipt").click();
    await receipt.getByText("退款后实付").waitFor();
    assert.match(await receipt.textContent(), /¥65\.60.*-¥10\.00.*¥55\.60/);
    // 5 % of 55.60 is 2.78: what was refunded gives nothing.
    assert.equal(await receipt.getByTestId("receipt-charity").getAttribute("data-minor"), "278");

    await page.emulateMedia({ media: "print" });
    assert.equal(await receipt.isVisible(), true);
    for (const hidden of [".top", ".sale", ".bar", ".sheet-close", ".receipt-print"]) {
      assert.equal(await page.locator(hidden).first().isVisible(), false, `${hidden} is not printed`);
    }
    await page.emulateMedia({ media: "screen" });
    await page.keyboard.press("Escape");
    await receipt.waitFor({ state: "detached" });

    // The strip says to whom, and leads to the project's own page; that to the pledge's, and back.
    const strip = page.getByTestId("charity");
    assert.match(await strip.locator(".charity-who").first().textContent(), /山村小学午餐.*示例基金会.*53100000TEST00001X/);
    assert.equal(await strip.getAttribute("href"), "/p/school-lunch?from=room");
    await strip.click();
    await page.getByTestId("project-title").getByText("山村小学午餐").waitFor();
    assert.deepEqual(await objections(page), []);
    await page.getByTestId("project-pledge").locator("a").first().click();
    await page.getByTestId("pledge-project").getByText("山村小学午餐").waitFor();
    const paper = await page.getByTestId("pledge").textContent();
    assert.match(paper, /示例基金会.*53100000TEST00001X/);
    assert.match(paper, /5%/);
    assert.match(paper, /¥1,000\.00/);
    assert.ok(paper.includes("abababab"), "the fingerprint of the agreement");
    await until(async () => Number(await page.getByTestId("pledge-accrued").getAttribute("data-minor")) >= 278, "the total");
    assert.deepEqual(await objections(page), []);
    await page.getByRole("link", { name: "返回" }).click();
    await page.getByTestId("project-title").waitFor();
    await page.getByRole("link", { name: "返回" }).click();
    await connected(page);
    assert.deepEqual(page.complaints, []);
    await page.context().close();

    const lost = await visit(browser, `${server.base}/pledges/nothing-like-it`, { locale: "en-GB" });
    await lost.getByText("There is no such pledge.").waitFor();
    await lost.context().close();
  });

  test("a sale says what it costs every day and how many one person may have", async () => {
    const page = await visit(browser, link(await room("limit"), "mei"));
    const card = page.getByTestId("sale-card");
    await connected(page);
    assert.match(await card.locator(".price").textContent(), /32\.80/);
    assert.match(await card.locator(".prices s").textContent(), /46\.80/);
    await card.getByText("每人限 5 份").waitFor();
    const more = card.locator(".stepper .round").last();
    for (let units = 1; units < 5; units += 1) await more.click();
    assert.equal(await card.locator(".stepper output").textContent(), "5");
    assert.ok(await more.isDisabled(), "a sixth can't be asked for");
    await page.getByTestId("buy").filter({ hasText: "5" }).waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("on a phone whose clock is wrong the countdowns are the server's", async () => {
    const address = await room("clocks");
    const people = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
    await people.addInitScript((aheadMs) => {
      const Right = Date;
      globalThis.rightNow = () => Right.now();
      globalThis.Date = class extends Right {
        constructor(...given) {
          super(...(given.length === 0 ? [Right.now() + aheadMs] : given));
        }
        static now() {
          return Right.now() + aheadMs;
        }
      };
    }, 600_000);
    const page = await visit(browser, link(address, "mei"), { context: people });
    await connected(page);
    /** How far a countdown is from what is left by the server's clock, which is this machine's. */
    const wrongByMs = (timer, endMs) =>
      page.locator(timer).evaluate((time, endMs) => {
        const [seconds, minutes, hours = 0] = time.textContent.split(":").map(Number).reverse();
        return Math.abs(((hours * 60 + minutes) * 60 + seconds) * 1000 - (endMs - globalThis.rightNow()));
      }, endMs);
    const [sale] = (await server.call("GET", "/v1/rooms/clocks/sales", token.mei)).sales;
    // Ten minutes are the phone's mistake; some seconds a busy machine's.
    await until(async () => (await wrongByMs(".countdown time[role=timer]", Number(sale.closesAtMs))) < 5_000, "the sale's countdown");
    await page.getByTestId("buy").click();
    await page.locator('[data-testid="order-state"][data-state="held"]').waitFor();
    const [order] = (await server.call("GET", "/v1/orders", token.mei)).orders.filter(({ saleId }) => saleId === sale.id);
    await until(async () => (await wrongByMs(".hold[role=timer] time", Number(order.holdExpiresAtMs))) < 5_000, "the hold's countdown");
    assert.deepEqual(page.complaints, []);
    await people.close();
  });

  test("the buyer sees where the parcel is, says that it came, and the gift is confirmed", async () => {
    const address = await room("parcel");
    const [sale] = (await server.call("GET", "/v1/rooms/parcel/sales", token.ana)).sales;
    const id = await server.buy(token.ana, sale.id);
    const page = await visit(browser, link(address, "ana"));
    await connected(page);
    const confirmed = async () => Number(await page.getByTestId("charity-confirmed").getAttribute("data-minor"));
    const before = await confirmed();
    const open = () => page.getByRole("button", { name: "我的订单" }).click();
    const order = page.locator(`[data-testid="order"][data-order="${id}"]`);
    await open();
    await order.locator('[data-state="paid"]').waitFor();
    assert.equal(await order.getByTestId("order-confirm").count(), 0, "nothing has been sent yet");
    await closeSheet(page);
    await server.ship(token.lin, id);
    await open();
    await order.getByText("ZT10001").waitFor();
    assert.match(await order.textContent(), /中通/);
    await order.getByTestId("order-confirm").click();
    await order.locator('[data-testid="order-state"][data-state="confirmed"]').waitFor();
    assert.equal(await order.getByTestId("order-confirm").count(), 0);
    assert.equal((await server.call("GET", `/v1/orders/${id}`, token.lin)).state, "ORDER_STATE_CONFIRMED");
    await until(async () => (await confirmed()) === before + 164, "the gift to be confirmed in the strip");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a sale that the host pauses says so at once and comes back", async () => {
    const address = await room("paused");
    const page = await visit(browser, link(address, "mei"));
    await page.getByTestId("buy").waitFor();
    const sale = await page.getByTestId("sale-card").getAttribute("data-sale");
    await server.call("POST", `/v1/sales/${sale}/pause`, token.lin, { reason: "换货" });
    await page.locator('[data-testid="sale-card"][data-face="paused"]').waitFor();
    assert.equal(await page.getByTestId("buy").count(), 0);
    await page.getByText("先停一停").waitFor();
    await server.call("POST", `/v1/sales/${sale}/resume`, token.lin);
    await page.getByTestId("buy").waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
});
