// Sponsors' pools: ops make, freeze and unfreeze them, and what they add stands apart in the room.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { browserMissing, closeSheet, connected, objections, openBrowser, until, visit } from "./pages.mjs";
import { LUNCH, Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const ROOM = "hillside";
const SPONSOR = "示例果园";
const BRIEF = "一秒钟的赞助方";
const PHONE = { viewport: { width: 390, height: 844 } };
const DESK = { viewport: { width: 1280, height: 800 }, locale: "en-GB" };
/** 5 % of 32.80 is 1.64; a half of it 0.82. */
const GIVEN = 164;
const HOUR_MS = 3_600_000;

const local = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const minor = async (within, testId) => Number(await within.getByTestId(testId).getAttribute("data-minor"));

describe("sponsors' pools", { skip: missing }, () => {
  const token = {};
  let server;
  let browser;
  let pledge;
  let sale;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    for (const who of ["viewer:mei:小梅", "viewer:tom:Tom", "host:lin:老林", "ops:kim:小金", "auditor:shen:沈审计"]) {
      const [role, subject, name] = who.split(":");
      token[subject] = await server.token(role, subject, name);
    }
    await server.call("POST", "/v1/products", token.lin, { sku: "walnut-1kg", title: "薄皮核桃", unit: "1 kg", price: { minor: "4680", currency: "CNY" }, onHand: 40, category: "farm" });
    await server.call("POST", "/v1/rooms", token.lin, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
    await server.call("POST", `/v1/rooms/${ROOM}/state`, token.lin, { state: "ROOM_STATE_LIVE" });
    pledge = await server.pledge(token.lin);
    sale = await server.call("POST", `/v1/rooms/${ROOM}/sales`, token.lin, { sku: "walnut-1kg", price: { minor: "3280", currency: "CNY" }, stock: 20, limitPerBuyer: 5, durationSeconds: 3600, pledgeId: pledge.id, openNow: true });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const ops = (options = DESK, who = "kim") => visit(browser, `${server.base}/ops#view=pools&token=${token[who]}`, options);
  const watch = (who) => visit(browser, `${server.base}/rooms/${ROOM}#token=${token[who]}`);
  const pools = async () => (await server.call("GET", "/v1/pools", token.kim)).pools ?? [];
  const buy = async (who) => {
    const order = { orderId: crypto.randomUUID(), saleId: sale.id, quantity: 1 };
    await server.call("POST", "/v1/orders", token[who], order);
    await server.call("POST", `/v1/orders/${order.orderId}/pay`, token[who], { method: "PAYMENT_METHOD_SANDBOX_APPROVE", shipTo: { name: "林小满", phone: "13800000000", address: "示例路 1 号" } });
    await until(async () => (await server.call("GET", `/v1/orders/${order.orderId}`, token[who])).state === "ORDER_STATE_PAID", "the order to be paid");
  };
  const wrongs = (page) => page.locator('.pool-fields [aria-invalid="true"]').evaluateAll((all) => all.map(({ id }) => id));
  const send = (page) => page.getByTestId("confirm-yes").click();

  test("what is wrong with a new pool is said at its field, whoever finds it", async () => {
    const page = await ops();
    await page.getByTestId("pools-none").getByTestId("pool-new").click();
    await send(page);
    assert.deepEqual(await wrongs(page), ["pool-sponsor", "pool-budget-0"]);
    assert.equal(await page.getByTestId("pool-sponsor").evaluate((field) => field === document.activeElement), true, "the first one has the focus");
    await page.getByTestId("pool-sponsor").fill(SPONSOR);
    assert.deepEqual(await wrongs(page), ["pool-budget-0"], "and is quiet as soon as somebody writes");
    await page.getByTestId("pool-budget-0").fill("1000");

    // The register knows no such project, and the record no slot that has begun: the server's own words.
    await page.getByTestId("pool-project").fill("no-such-thing");
    await send(page);
    await page.getByTestId("pool-project-wrong").waitFor();
    await page.getByTestId("pool-project").fill(LUNCH.id);
    await page.locator("#pool-project-said").getByText(LUNCH.title).waitFor();
    await page.getByTestId("pool-opens-0").fill("2026-01-01T10:00");
    await send(page);
    await page.getByTestId("pool-opens-0-wrong").getByText("slots that open from now on").waitFor();
    await page.getByTestId("pool-opens-0").fill("");
    // Of folded fields too.
    await page.getByTestId("pool-more").click();
    await page.getByTestId("pool-minuteLimit").fill("5000");
    await page.getByTestId("pool-more").click();
    await send(page);
    await page.getByTestId("pool-minuteLimit-wrong").getByText("1..=1000").waitFor();
    await page.getByTestId("pool-minuteLimit").fill("30");
    // A hearts' pool names a pledge that is there; the room's only one is offered.
    await page.getByTestId("pool-rule-hearts").check({ force: true });
    await page.getByTestId("pool-amount").fill("1");
    await page.getByTestId("pool-room").fill(ROOM);
    await until(async () => (await page.getByTestId("pool-pledge").inputValue()) === pledge.id, "the room's pledge");
    await page.getByTestId("pool-pledge").fill(crypto.randomUUID());
    await send(page);
    await page.getByTestId("pool-pledge-wrong").waitFor();
    assert.deepEqual(await pools(), [], "none was made of all this");
    // A browser tells of every answer that is no.
    assert.deepEqual(page.complaints.filter((text) => !/status of (404|422)/.test(text)), []);
    await page.context().close();
  });

  test("ops make a pool with two slots, and see it as the server has it", async () => {
    const page = await ops();
    await page.getByTestId("pool-new").click();
    await page.getByTestId("pool-sponsor").fill(SPONSOR);
    await page.getByTestId("pool-percent").fill("50");
    await page.getByTestId("pool-project").fill(LUNCH.id);
    await page.getByTestId("pool-budget-0").fill("1000");
    await page.getByTestId("pool-add-slot").click();
    await page.getByTestId("pool-budget-1").fill("500.50");
    assert.equal(await page.getByTestId("pool-opens-1").inputValue(), await page.getByTestId("pool-closes-0").inputValue());
    assert.deepEqual(await objections(page), []);
    await send(page);

    const card = page.getByTestId("pool");
    await card.waitFor();
    const [pool] = await pools();
    assert.equal(await card.getAttribute("data-pool"), pool.id);
    assert.deepEqual([pool.sponsor, pool.currency, pool.terms.project, pool.terms.ratio.ppm], [SPONSOR, "CNY", LUNCH.id, 500_000]);
    assert.deepEqual([pool.terms.buyerDayCapMinor, pool.terms.buyerMinuteLimit, pool.terms.projectCapMinor ?? "0"], ["20000", 30, "0"], "kept from harm without being asked");
    assert.deepEqual(pool.slots.map(({ budgetMinor }) => budgetMinor), ["100000", "50050"]);
    assert.equal(pool.slots[1].opensAtMs, pool.slots[0].closesAtMs);
    assert.equal(await card.getAttribute("data-state"), "open");
    assert.deepEqual([await minor(card, "pool-budget"), await minor(card, "pool-matched"), await minor(card, "pool-left")], [150_050, 0, 150_050]);
    assert.deepEqual(await card.getByTestId("pool-slot").evaluateAll((slots) => slots.map(({ dataset }) => dataset.state)), ["open", "soon"]);
    const text = await card.textContent();
    for (const said of [SPONSOR, "Adds 50% of what each order gives", "¥200.00 a buyer a day", "30 times a buyer a minute"]) assert.ok(text.includes(said), said);
    assert.equal(await card.locator(".facts a").first().getAttribute("href"), `/p/${LUNCH.id}`);
    await card.locator("summary").click();
    assert.deepEqual(await card.getByTestId("pool-commitment").allTextContents(), pool.slots.map(({ seedSha256 }) => seedSha256));
    assert.equal(await card.getByTestId("pool-seed").count(), 0, "a seed is a secret while its slot is open");
    // What was written down of it.
    await page.locator('[data-testid="left-line"][data-shown="true"]').filter({ hasText: SPONSOR }).waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("what sponsors add stands apart in the room, in the same moment", async () => {
    const page = await watch("tom");
    await connected(page);
    assert.equal(await page.getByTestId("charity-matched").count(), 0, "nothing yet");
    await buy("mei");
    const added = page.getByTestId("charity-matched");
    await added.waitFor();
    assert.equal(await added.getAttribute("data-minor"), String(GIVEN / 2));
    assert.match(await added.textContent(), /赞助方另配 ¥0\.82，不算在上面/);
    assert.equal(await page.getByTestId("charity-accrued").getAttribute("data-minor"), String(GIVEN), "and is not in what the farmers give");
    await buy("tom");
    await until(async () => Number(await added.getAttribute("data-minor")) === GIVEN, "twice a half");
    assert.deepEqual(await objections(page), []);
    assert.deepEqual(page.complaints, []);
    // Who comes later reads the same.
    const later = await watch("mei");
    await connected(later);
    await until(async () => Number(await later.getByTestId("charity-matched").getAttribute("data-minor")) === GIVEN, "the same for who comes later");
    for (const one of [page, later]) await one.context().close();

    const desk = await ops();
    const card = desk.getByTestId("pool");
    await until(async () => (await minor(card, "pool-matched")) === GIVEN, "what is matched, in the list");
    assert.equal(await minor(card, "pool-left"), 150_050 - GIVEN);
    await desk.context().close();
  });

  test("a pool is frozen for a reason that everybody on duty sees, and goes on when it is unfrozen", async () => {
    const page = await ops();
    const auditor = await ops(DESK, "shen");
    const turn = async (testId, reason) => {
      await page.getByTestId(testId).click();
      await page.getByTestId("confirm").waitFor();
      assert.equal(await page.getByTestId("confirm-yes").isDisabled(), true, "nothing is done without a reason");
      await page.getByTestId("reason").fill(reason);
      assert.deepEqual(await objections(page), []);
      await send(page);
      await page.locator('[data-testid="left-line"][data-shown="true"]').filter({ hasText: reason }).waitFor();
    };
    await turn("freeze", "the sponsor’s account is looked at");
    for (const one of [page, auditor]) {
      await one.locator('[data-testid="pool"][data-state="frozen"]').waitFor();
      await one.getByTestId("pool-frozen").getByText("the sponsor’s account is looked at").waitFor();
      assert.match(await one.getByTestId("pool-frozen").textContent(), /kim.{0,2} froze it/);
    }
    assert.equal((await pools())[0].frozen, true);
    for (const act of ["pool-new", "freeze", "unfreeze"]) assert.equal(await auditor.getByTestId(act).count(), 0, "an auditor changes nothing");
    await buy("mei");
    assert.equal(Number((await pools())[0].slots[0].spentMinor), GIVEN, "nothing is matched");

    await turn("unfreeze", "all is well");
    for (const one of [page, auditor]) await one.locator('[data-testid="pool"][data-state="open"]').waitFor();
    assert.equal(await page.getByTestId("pool-frozen").count(), 0);
    await buy("mei");
    await until(async () => (await minor(page, "pool-matched")) === GIVEN + GIVEN / 2, "matching to go on");
    await page.getByTestId("view-audit").click();
    for (const act of ["create-pool", "freeze-pool", "unfreeze-pool"]) await page.locator(`tr[data-row="${act}"]`).first().waitFor();
    assert.deepEqual([...page.complaints, ...auditor.complaints], []);
    for (const one of [page, auditor]) await one.context().close();
  });

  test("a draw and hearts are made by the form too, and what is on comes first", async () => {
    const page = await ops({ ...PHONE, locale: "zh-CN" });
    const begin = async (rule, sponsor) => {
      await page.getByTestId("pool-new").click();
      await page.getByTestId("pool-sponsor").fill(sponsor);
      await page.getByTestId(`pool-rule-${rule}`).check({ force: true });
    };
    await begin("draw", "明天的赞助方");
    await page.getByTestId("pool-chance-0").fill("30");
    await page.getByTestId("pool-amount-0").fill("5");
    await page.getByTestId("pool-add-tier").click();
    await page.getByTestId("pool-chance-1").fill("80");
    await page.getByTestId("pool-amount-1").fill("50");
    await page.getByTestId("pool-opens-0").fill(local(Date.now() + 24 * HOUR_MS));
    await page.getByTestId("pool-closes-0").fill(local(Date.now() + 26 * HOUR_MS));
    await page.getByTestId("pool-budget-0").fill("2000");
    await send(page);
    await page.getByTestId("pool-tiers-wrong").waitFor();
    await page.getByTestId("pool-chance-1").fill("0.5");
    await send(page);
    await page.locator('[data-testid="pool"][data-state="soon"]').waitFor();

    await begin("hearts", "点心的人");
    await page.getByTestId("pool-room").fill(ROOM);
    await page.getByTestId("pool-hearts").fill("20");
    await page.getByTestId("pool-amount").fill("1");
    await until(async () => (await page.getByTestId("pool-pledge").inputValue()) === pledge.id, "the room's pledge");
    await page.getByTestId("pool-budget-0").fill("300");
    await send(page);
    await until(async () => (await page.getByTestId("pool").count()) === 3, "all three");
    const made = new Map((await pools()).map((pool) => [pool.sponsor, pool.terms]));
    assert.deepEqual(made.get("明天的赞助方").draw.tiers, [{ chancePpm: 300_000, amountMinor: "500" }, { chancePpm: 5_000, amountMinor: "5000" }]);
    assert.deepEqual(made.get("点心的人").hearts, { roomId: ROOM, hearts: 20, amountMinor: "100", pledgeId: pledge.id });
    assert.deepEqual(await page.getByTestId("pool").evaluateAll((all) => all.map(({ dataset }) => dataset.state)), ["open", "open", "soon"]);
    const hearts = page.getByTestId("pool").filter({ hasText: "点心的人" });
    assert.match(await hearts.textContent(), /每 20 颗心，配 ¥1\.00/);
    assert.equal(await hearts.locator('a[href^="/pledges/"]').getAttribute("href"), `/pledges/${pledge.id}`);
    assert.match(await page.getByTestId("pool").last().textContent(), /30% 配 ¥5\.00.*0\.5% 配 ¥50\.00.*69\.5% 不配/);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("axe has nothing against the pools, by day and by night, small and large, in both languages", async () => {
    const [{ id }] = await pools();
    await server.call("POST", `/v1/pools/${id}/freeze`, token.kim, { reason: "为了看一眼" });
    // It opens after 10 s, as draws do, and is over soon after, and its seed comes a minute later: for the next test.
    const rule = { buyerMinuteLimit: 1, draw: { tiers: [{ chancePpm: 1, amountMinor: "100" }] } };
    await server.call("POST", "/v1/pools", token.kim, { sponsor: BRIEF, currency: "CNY", terms: rule, slots: [{ closesAtMs: String(Date.now() + 11_000), budgetMinor: "100" }] });
    for (const [look, locale, colorScheme] of [
      [PHONE, "zh-CN", "light"],
      [PHONE, "en-GB", "dark"],
      [DESK, "en-GB", "light"],
      [DESK, "zh-CN", "dark"],
    ]) {
      const page = await ops({ ...look, locale, colorScheme });
      const clean = async (what) => {
        assert.deepEqual(await objections(page), [], `${what} ${colorScheme} ${locale} ${look.viewport.width}`);
        const spare = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(spare <= 0, `${what} is ${spare} px wider than the screen`);
        const rail = await page.locator(".rail ul").evaluate((list) => list.scrollWidth - list.clientWidth);
        assert.ok(rail <= 0, `the rail is ${rail} px wider than the screen`);
      };
      await page.getByTestId("pool-frozen").getByText("为了看一眼").waitFor();
      for (const summary of await page.locator(".pool summary").all()) await summary.click();
      await clean("the list");
      await page.getByTestId("pool-new").click();
      for (const rule of ["ratio", "draw", "hearts"]) {
        await page.getByTestId(`pool-rule-${rule}`).check({ force: true });
        if (rule === "draw") await page.getByTestId("pool-add-tier").click();
        if (rule === "hearts") await page.getByTestId("pool-add-slot").click();
        await clean(`the fields of ${rule}`);
        await send(page);
        await page.getByTestId("pool-sponsor-wrong").waitFor();
        await clean(`what is wrong with ${rule}`);
      }
      await closeSheet(page);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
    const small = await ops({ viewport: { width: 360, height: 740 }, locale: "en-GB" });
    await small.getByTestId("pools").waitFor();
    const spare = await small.locator(".rail ul").evaluate((list) => list.scrollWidth - list.clientWidth);
    assert.ok(spare <= 0, `the rail is ${spare} px wider than a small phone`);
    await small.context().close();
  });

  test("a slot's seed is shown when it is over, and is what was committed to", async () => {
    const page = await ops();
    const card = page.getByTestId("pool").filter({ hasText: BRIEF });
    await card.and(page.locator('[data-state="over"]')).waitFor();
    assert.equal(await page.getByTestId("pool").last().getAttribute("data-state"), "over", "what is over comes last");
    assert.equal(await card.getByTestId("pool-slot").getAttribute("data-state"), "over");
    await card.locator("summary").click();
    await card.getByTestId("pool-seed").waitFor({ timeout: 90_000 });
    const seed = Buffer.from(await card.getByTestId("pool-seed").textContent(), "hex");
    assert.equal(createHash("sha256").update(seed).digest("hex"), await card.getByTestId("pool-commitment").textContent());
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a list that can't be had says so, and is asked for again", async () => {
    const page = await visit(browser, `${server.base}/ops#view=overview&token=${token.kim}`, DESK);
    await page.route("**/v1/pools?*", (route) => route.abort());
    await page.getByTestId("view-pools").click();
    await page.locator(".pools [role=alert]").getByText("The network dropped.").waitFor();
    assert.equal(await page.getByTestId("pools-none").count(), 0, "nobody knows whether there are none");
    await page.unroute("**/v1/pools?*");
    await page.locator(".pools [role=alert] button").click();
    await page.getByTestId("pools").waitFor();
    assert.equal(await page.locator(".pools [role=alert]").count(), 0);
    await page.context().close();
    await server.kill();
    const { code, said } = await server.check();
    assert.equal(code, 0, said);
  });
});
