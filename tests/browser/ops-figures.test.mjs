// The numbers on the page of ops, each against what was done to the server: how far people came, holds, payments, delays, commits, stores, and what is
// left of them after a day and after a restart.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, connected, openBrowser, standing, until, visit, withClock } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const DESK = { viewport: { width: 1280, height: 800 }, locale: "en-GB" };
const ROOM = "hillside";
const MINUTE_MS = 60_000;

describe("the numbers of ops", { skip: missing }, () => {
  let token;
  let browser;
  let server;
  let sale;

  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start({ env: { APRICOT_LIMITS__RATES: "false" } })]);
    token = await server.tokens("viewer:mei:小梅", "viewer:tom:Tom", "viewer:ana:Ana", "viewer:ben:Ben", "host:lin:老林", "ops:watch:值班");
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    await server.live(token.lin, ROOM, { sale: false });
    sale = await server.sell(token.lin, ROOM, { limitPerBuyer: 2 });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const ops = (where, options = DESK) => visit(browser, `${server.base}/ops#${where}&token=${token.watch}`, options);
  const value = (page, series) => page.locator(`[data-value="${series}"]`).first().textContent();
  const said = (page, series) => until(async () => (await value(page, series)) !== "–" && (await value(page, series)), `${series} to be said`);
  const number = async (page, series) => Number((await value(page, series)).replaceAll(/[^\d.]/g, ""));

  test("holds stand in the order in which they run out, with the time that the server leaves them, whatever the device's clock says", async () => {
    await server.hold(token.mei, sale.id);
    await server.hold(token.tom, sale.id, "PAYMENT_METHOD_SANDBOX_SLOW");
    const { holds } = await server.call("GET", "/v1/ops/holds", token.watch);
    for (const byMs of [0, -10 * MINUTE_MS, 10 * MINUTE_MS]) {
      const page = await ops("view=money", { context: await withClock(browser, byMs, DESK) });
      const rows = page.locator('[data-testid="holds"] tbody tr');
      await rows.first().waitFor();
      assert.deepEqual(await rows.evaluateAll((all) => all.map(({ dataset }) => dataset.row)), holds.map(({ orderId }) => orderId));
      const texts = await rows.locator("th").allTextContents();
      assert.match(texts[0], /薄皮核桃 × 1\s*mei/);
      assert.match(texts[1], /薄皮核桃 × 1\s*tom/);
      // Two minutes, of which this test has used some.
      const left = () => rows.locator(".hold-left").allTextContents();
      await until(async () => (await left()).every((text) => /^0[012]:\d\d/.test(text)), `the time left on a clock that is ${byMs} ms off`);
      assert.match((await left())[1], /paying$/);
      await page.context().close();
    }
  });

  test("payments are listed with how they ended", async () => {
    const paid = await server.buy(token.mei, sale.id);
    const declined = (await server.hold(token.ana, sale.id, "PAYMENT_METHOD_SANDBOX_DECLINE")).id;
    const page = await ops("view=money");
    const row = (order) => page.locator('[data-testid="payments"] tbody tr').filter({ hasText: order });
    await row(paid).locator('.tag[data-tone="good"]').getByText("captured").waitFor();
    assert.match(await row(paid).textContent(), /¥32\.80$/);
    await row(declined).locator('.tag[data-tone="bad"]').getByText("declined").waitFor();
    assert.notEqual(await row(declined).locator("td").first().locator(".hint").textContent(), "", "it says why");
    const account = page.locator('[data-testid="accounts"] tbody tr[data-row="host_payable/lin CNY"] td');
    assert.deepEqual(await account.allTextContents(), ["¥0.20", "¥32.80", "¥32.60"], "the farmer's, less the payment's fee");
    await page.context().close();
  });

  test("how far people came is counted step by step, in the room and in all rooms", async () => {
    await server.ship(token.lin, await server.buy(token.ana, sale.id), token.ana);
    const viewer = await visit(browser, `${server.base}/rooms/${ROOM}#token=${token.mei}`);
    await connected(viewer);
    const page = await ops("view=overview");
    const steps = () => page.getByTestId("funnel").locator("li").evaluateAll((all) => Object.fromEntries(all.map((step) => [step.dataset.step, Number(step.querySelector("b").textContent)])));
    // Five pieces were asked for before: two held by mei and tom, one each bought by mei and ana, one declined for ana.
    const expected = { seen: 1, tapped: 5, held: 5, paid: 2, shipped: 1, confirmed: 1 };
    for (const where of ["view=overview", `room=${ROOM}`]) {
      await page.evaluate((hash) => (location.hash = hash), `#${where}`);
      await page.getByTestId("funnel").waitFor();
      await until(async () => JSON.stringify(await steps()) === JSON.stringify(expected), `the steps of ${where}, ${JSON.stringify(await steps())}`);
    }
    assert.deepEqual(page.complaints, []);
    for (const one of [page, viewer]) await one.context().close();
  });

  test("delays, commits and refusals have numbers while people buy", async () => {
    const viewer = await visit(browser, `${server.base}/rooms/${ROOM}#token=${token.ana}`);
    await connected(viewer);
    const page = await ops("view=delivery");
    // What is held and given back again is told to the room; the third piece of one buyer is refused.
    const stir = async () => {
      const held = [await server.hold(token.ben, sale.id), await server.hold(token.ben, sale.id)];
      await assert.rejects(server.hold(token.ben, sale.id), /limit-reached/);
      for (const { id } of held) await server.call("POST", `/v1/orders/${id}/cancel`, token.ben);
    };
    const seen = (what, look) => until(async () => (await stir(), look()), what);
    for (const lane of ["critical", "state"]) for (const quantile of ["p50", "p95", "p99"]) await seen(`${lane} ${quantile}`, async () => (await number(page, `delay.${lane}.${quantile}`)) > 0);
    await seen("deliveries", async () => (await number(page, "deliveries.critical")) > 0);
    await page.getByTestId("view-record").click();
    await seen("commits", async () => (await number(page, "commits")) > 0);
    await seen("a batch", async () => (await number(page, "batch.p50")) >= 1);
    await seen("the time of a commit", async () => (await number(page, "commit.p99")) > 0);
    await seen("a refusal", async () => (await number(page, "refused.limit-reached")) > 0);
    await seen("something held", async () => (await number(page, "granted")) > 0);
    for (const store of ["record", "gate"]) assert.equal(await value(page, store), "✓");
    assert.deepEqual(page.complaints, []);
    for (const one of [page, viewer]) await one.context().close();
  });

  test("what Redis and PostgreSQL say of themselves is on the page", async () => {
    const page = await ops("view=record");
    const mebibyte = 1_048_576;
    // A node alone has neither: it says what a node of a cluster would.
    const stores = { redisPrimaries: 3, redisReplicas: 2, redisMemoryBytes: String(200 * mebibyte), redisMemoryLimitBytes: String(512 * mebibyte), recordConnections: 17, recordConnectionsLimit: 100, recordLockWaits: 4, recordOldestMs: "1500", recordSizeBytes: String(90 * mebibyte), recordReplicaLagBytes: "2500", poolInUse: 5, poolWaiting: 6 };
    await page.route("**/v1/ops/history?*", async (route) => {
      const response = await route.fetch();
      const history = await response.json();
      await route.fulfill({ response, json: { ...history, readings: (history.readings ?? []).map((reading) => ({ ...reading, ...stores })) } });
    });
    await page.getByTestId("range-hour").click();
    const shown = { primaries: "3", replicas: "2", redisUsed: "210 MB", redisLimit: "537 MB", clients: "17", clientsLimit: "100", lockWaits: "4", oldest: "1.5 s", recordSize: "94.4 MB", replicaLag: "2.5 kB", poolUsed: "5", poolWaiting: "6" };
    for (const [series, text] of Object.entries(shown)) {
      await page.locator(`[data-value="${series}"]`).scrollIntoViewIfNeeded();
      await until(async () => (await value(page, series)) === text, `${series} as ${text}, not ${await value(page, series)}`);
    }
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a day and an hour are drawn from the record, also after the server was killed", async () => {
    const page = await ops("view=record");
    const failed = [];
    page.on("response", (response) => response.status() >= 400 && failed.push(`${response.status()} ${response.url()}`));
    const look = async (range) => {
      const asked = page.waitForResponse((response) => response.url().includes("/v1/ops/history"));
      await page.getByTestId(`range-${range}`).click();
      assert.ok((await (await asked).json()).readings.length > 0, `readings of the ${range}`);
      await page.locator(`[data-testid="range-${range}"][aria-pressed="true"]`).waitFor();
      await page.getByTestId("chart-holds").locator("canvas").waitFor();
    };
    /** Of the stretch that is shown: what was held in a second, at most. */
    const mostHeld = async () => {
      const table = page.getByTestId("chart-holds").locator(".gauge-table");
      if (await table.evaluate((details) => details.open)) await table.locator("summary").click();
      await table.locator("summary").click();
      return table.locator("tbody tr").filter({ hasText: "held" }).locator("td").last().textContent();
    };
    await look("day");
    await look("hour");
    const heldSome = async () => /[1-9].*\/s$/.test(await mostHeld());
    await until(heldSome, "what was held in this hour");
    assert.deepEqual(failed, []);
    assert.deepEqual(page.complaints, []);

    await server.kill();
    await server.restart();
    await page.reload();
    await standing(page, "good");
    assert.equal(await page.getByTestId("range-hour").getAttribute("aria-pressed"), "true", "the stretch is remembered");
    await until(heldSome, "what was held before the restart, and nothing since");

    // As it will be six hours from now.
    await page.route("**/v1/ops/history?*", async (route) => {
      const response = await route.fetch();
      const history = await response.json();
      const [reading] = history.readings;
      const then = { ...reading, atMs: String(Date.now() - 6 * 60 * MINUTE_MS), overMs: 180_000, holdsGranted: "1800" };
      await route.fulfill({ response, json: { ...history, readings: [then] } });
    });
    await page.getByTestId("range-day").click();
    await until(async () => (await mostHeld()) === "10/s", "1,800 in three minutes, six hours ago");
    await page.context().close();
  });
});
