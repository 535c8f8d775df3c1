// The rules of the record on the page of ops: green while somebody looks, grey when nobody does, and red, with what to do, when one is broken.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { browserMissing, objections, openBrowser, standing, until, visit, withClock } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const DESK = { viewport: { width: 1280, height: 800 }, locale: "en-GB" };
const PHONE = { viewport: { width: 390, height: 844 }, locale: "zh-CN", colorScheme: "dark" };
const MINUTE_MS = 60_000;

/** As somebody would who edits rows beside the server: Node has no SQLite of its own before 22. */
const editRecord = (server, sql) => {
  const edit = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=30) as record: record.executescript(sys.argv[2])";
  return promisify(execFile)("python3", ["-c", edit, join(server.data, "record.db"), sql]);
};

describe("the rules of the record", { skip: missing }, () => {
  let token;
  let browser;
  let server;

  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    token = await server.tokens("viewer:mei:小梅", "host:lin:老林", "ops:watch:值班");
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    const { id: pledgeId } = await server.pledge(token.lin);
    await server.live(token.lin, "hillside", { sale: false });
    const sale = await server.sell(token.lin, "hillside", { pledgeId });
    await server.buy(token.mei, sale.id);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const ops = (options, where = "view=overview") => visit(browser, `${server.base}/ops#${where}&token=${token.watch}`, options);
  const light = (page, name, good) => page.locator(`[data-testid="light"][data-light="${name}"][data-good="${good}"]`);
  /** From now on the page hears that the record was last read `agoMs` ago. */
  const lastRead = (page, agoMs) =>
    page.route("**/v1/ops/overview", async (route) => {
      const response = await route.fetch();
      const overview = await response.json();
      await route.fulfill({ response, json: { ...overview, lightsAtMs: String(Number(overview.serverTimeMs) - agoMs) } });
    });

  test("three that everybody asks for are green with a zero, the others are folded", async () => {
    const page = await ops(DESK);
    await standing(page, "good");
    for (const name of ["not_oversold", "trial_balance_zero", "counter_is_the_ledger"]) {
      const large = light(page, name, "true");
      await large.waitFor();
      assert.match(await large.locator(".large-number").textContent(), /^\D*0(\.00)?$/);
    }
    assert.equal(await page.getByTestId("alert").count(), 0);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("when nobody has looked for minutes nothing is green any more, and the page says so", async () => {
    const page = await ops(DESK);
    await standing(page, "good");
    await lastRead(page, 12 * MINUTE_MS);
    await standing(page, "unread");
    assert.match(await page.getByTestId("status").textContent(), /last checked 12 min ago/);
    assert.match(await page.getByTestId("lights-read").textContent(), /^Last read from the record 12 min ago, and by nobody since/);
    for (const name of ["not_oversold", "trial_balance_zero", "counter_is_the_ledger"]) {
      const large = light(page, name, "unknown");
      await large.waitFor();
      assert.equal(await large.locator(".large-number").textContent(), "–");
      assert.match(await large.textContent(), /not known/);
    }
    assert.match(await page.getByTestId("lights-kept").locator("summary").textContent(), /^Whether the other \d+ rules are kept is not known$/);
    assert.equal(await page.locator('.light[data-good="true"]').count(), 0);
    assert.deepEqual(await objections(page), []);
    await page.unrouteAll({ behavior: "wait" });
    await standing(page, "good");
    await light(page, "not_oversold", "true").waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("how long ago the record was read is right on a device whose clock is slow", async () => {
    const context = await withClock(browser, -10 * MINUTE_MS, DESK);
    const page = await ops({ context });
    await lastRead(page, 100_000);
    const seconds = async () => Number(/(\d+) s ago/.exec(await page.getByTestId("lights-read").textContent())?.[1] ?? Number.NaN);
    await until(async () => (await seconds()) >= 100 && (await seconds()) < 130, "a hundred seconds and little more");
    await standing(page, "good");
    await context.close();
  });

  test("a record that was edited turns a light red and wakes somebody with what to do", async () => {
    const [page, phone] = [await ops(DESK, "view=rooms"), await ops(PHONE)];
    await standing(page, "good");
    await editRecord(server, "UPDATE orders SET charity = charity + 1");
    await standing(page, "critical");
    await page.getByTestId("status").getByRole("link").click();
    const alert = page.locator('[data-testid="alert"][data-kind="rule-broken"][data-critical="true"]');
    await alert.getByText("A rule of the record is broken").waitFor();
    assert.match(await alert.textContent(), /^Now.*Orders’ charity is posted.*Pause the sales that the examples name, run apricot check/s);
    const red = light(page, "order_charity_is_posted", "false");
    await red.getByText("broken: 1").waitFor();
    assert.match(await red.locator(".light-examples code").textContent(), /the order says/);
    assert.equal(await red.isVisible(), true, "what is broken is not folded");
    await light(page, "not_oversold", "true").waitFor();

    await standing(phone, "critical");
    const said = phone.locator('[data-testid="alert"][data-kind="rule-broken"]');
    await said.getByText("账本里有规则被破坏").waitFor();
    assert.match(await said.textContent(), /^马上.*订单的公益都记了账.*先暂停例子里的闪购，跑 apricot check/s);
    assert.equal(await said.evaluate((box) => box.getBoundingClientRect().bottom < innerHeight), true, "without scrolling");
    for (const one of [page, phone]) assert.deepEqual(await objections(one), []);

    await editRecord(server, "UPDATE orders SET charity = charity - 1");
    await standing(page, "good");
    await alert.waitFor({ state: "detached" });
    for (const one of [page, phone]) {
      assert.deepEqual(one.complaints, []);
      await one.context().close();
    }
  });
});
