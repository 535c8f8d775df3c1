// From a pledge to the charity, as anybody can see it: a project's page, the word that a pledge is over, two people who hand the money over, the register.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { browserMissing, connected, objections, openBrowser, until, visit } from "./pages.mjs";
import { LUNCH, Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const ROOM = "hillside";
const DESK = { viewport: { width: 1280, height: 900 } };
const ENGLISH = { locale: "en-GB", ...DESK };
const LIBRARY = { id: "hill-library", title: "Mountain library", charity: "读书基金会", registration: "53100000TEST00002X", place: "Yunnan" };
/** Twice 5 % of 32.80 is 3.28, which is more. */
const CAP = "200";

describe("a project", { skip: missing }, () => {
  const token = {};
  let server;
  let browser;
  let pledge;
  let sale;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    for (const who of ["viewer:mei:小梅", "viewer:tom:Tom", "host:lin:老林", "ops:kim:小金", "ops:wu:小吴"]) {
      const [role, subject, name] = who.split(":");
      token[subject] = await server.token(role, subject, name);
    }
    await server.call("POST", "/v1/products", token.lin, { sku: "walnut-1kg", title: "薄皮核桃", unit: "1 kg", price: { minor: "4680", currency: "CNY" }, onHand: 40, category: "farm" });
    await server.call("POST", "/v1/rooms", token.lin, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
    await server.call("POST", `/v1/rooms/${ROOM}/state`, token.lin, { state: "ROOM_STATE_LIVE" });
    const lunch = { weight: 2, place: "云南 漾濞", recordNumber: "53100000TEST00001XA23001", giveUrl: "https://giving.example/p", target: { minor: "10000000", currency: "CNY" } };
    pledge = await server.pledge(token.lin, { cap: { minor: CAP, currency: "CNY" } }, [lunch, LIBRARY]);
    await server.call("POST", `/v1/projects/${LUNCH.id}/reports`, token.kim, { title: "第一周的午饭", text: "三所小学，212 个孩子。" });
    sale = await server.call("POST", `/v1/rooms/${ROOM}/sales`, token.lin, { sku: "walnut-1kg", price: { minor: "3280", currency: "CNY" }, stock: 10, limitPerBuyer: 5, durationSeconds: 3600, pledgeId: pledge.id, openNow: true });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const watch = (who) => visit(browser, `${server.base}/rooms/${ROOM}#token=${token[who]}`);
  const open = (path, options) => visit(browser, server.base + path, options);
  const figure = async (page, kind) => Number(await page.getByTestId(`project-${kind}`).getAttribute("data-minor"));
  const orders = [];
  const buy = async (who) => {
    const order = { orderId: crypto.randomUUID(), saleId: sale.id, quantity: 1 };
    await server.call("POST", "/v1/orders", token[who], order);
    await server.call("POST", `/v1/orders/${order.orderId}/pay`, token[who], { method: "PAYMENT_METHOD_SANDBOX_APPROVE", shipTo: { name: "林小满", phone: "13800000000", address: "示例路 1 号" } });
    await until(async () => (await server.call("GET", `/v1/orders/${order.orderId}`, token[who])).state === "ORDER_STATE_PAID", "the order to be paid");
    orders.push([who, order.orderId]);
  };

  test("the donation information says how much, who, to whom and until when, before anybody pays", async () => {
    const page = await watch("mei");
    await connected(page);
    const card = page.getByTestId("sale-card");
    assert.equal(await card.getByTestId("sale-gives").getAttribute("data-minor"), "164");
    const parts = await card.getByTestId("label-part").evaluateAll((all) => all.map(({ dataset }) => dataset.minor));
    assert.deepEqual(parts, ["109", "55"], "two thirds and one third, to the fen");
    const said = (await card.locator(".label").textContent()).replace(/[\u2066-\u2069]/g, "");
    assert.match(said, /捐赠信息.*每份捐 ¥1\.64.*山村小学午餐.*示例基金会.*53100000TEST00001X.*Mountain library.*读书基金会.*53100000TEST00002X.*主播老林.*不是您捐.*捐满 ¥2\.00 为止/);
    assert.equal(await card.locator(".label a").first().getAttribute("href"), `/p/${LUNCH.id}`);
    const strip = (await page.getByTestId("charity").textContent()).replace(/[\u2066-\u2069]/g, "");
    assert.match(strip, /山村小学午餐.*示例基金会.*53100000TEST00001X.*Mountain library.*读书基金会.*53100000TEST00002X/, "and the strip names both charities");
    assert.deepEqual(await objections(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a bought order is on the project's page", async () => {
    const page = await open(`/p/${LUNCH.id}?from=poster`);
    await page.getByTestId("project-title").getByText(LUNCH.title).waitFor();
    assert.equal(await page.getByTestId("totals").count(), 0, "nothing yet");
    await buy("mei");
    await page.reload();
    await until(async () => (await page.getByTestId("project-accrued").count()) > 0 && (await figure(page, "accrued")) === 109, "two thirds of 1.64");
    assert.deepEqual([await figure(page, "confirmed"), await figure(page, "remitted")], [0, 0]);
    const text = await page.getByTestId("project").textContent();
    assert.match(text, /示例基金会.*53100000TEST00001X/);
    assert.match(text, /53100000TEST00001XA23001/);
    assert.match(text, /第一周的午饭/);
    assert.equal(await page.getByTestId("clock").getAttribute("data-tone"), "calm");
    const give = page.getByTestId("give");
    assert.deepEqual([await give.getAttribute("href"), (await give.getAttribute("rel")).includes("noopener")], ["https://giving.example/p", true]);
    assert.match(text, /Apricot 不经手任何捐款/);
    assert.ok(await page.getByTestId("code").evaluate((code) => code.decode().then(() => code.naturalWidth > 0)), "the code is drawn");
    assert.equal(await page.getByTestId("project-pledge").locator("a").first().getAttribute("href"), `/pledges/${pledge.id}?from=poster`);
    assert.deepEqual(await objections(page), []);
    // Each figure leads to the tally that states it, and the pledge to its own line.
    const leaf = async (link) => JSON.parse((await server.call("GET", `/v1/log/leaves/${await link.getAttribute("data-leaf")}`)).leaf);
    const version = page.getByTestId("project-pledge").locator("a.to-leaf");
    await until(async () => (await page.reload()) !== null && (await page.getByTestId("project-accrued").locator("a.to-leaf").count()) > 0, "the tally", 90_000);
    const tally = await leaf(page.getByTestId("project-accrued").locator("a.to-leaf"));
    assert.deepEqual([tally.kind, tally.scope, tally.key, tally.accrued], ["tally", "project", LUNCH.id, 109]);
    const terms = await leaf(version);
    assert.deepEqual([terms.kind, terms.pledge, terms.version], ["pledge", pledge.id, 1]);
    assert.match(await version.getAttribute("href"), /^\/verify#leaf=\d+$/);
    const paper = await open(`/pledges/${pledge.id}`, ENGLISH);
    const sum = paper.getByTestId("pledge-accrued").locator("a.to-leaf");
    await sum.waitFor();
    assert.deepEqual([(await leaf(sum)).scope, (await leaf(sum)).key, (await leaf(paper.getByTestId("versions").locator("a"))).kind], ["pledge", pledge.id, "pledge"]);
    assert.deepEqual(await objections(paper), []);
    await sum.click();
    await paper.locator('[data-testid="leaf"][data-kind="tally"]').waitFor();
    assert.deepEqual(paper.complaints, []);
    await paper.context().close();
    assert.deepEqual(await objections(page), []);
    // Its other half.
    await page.goto(`${server.base}/p/${LIBRARY.id}`);
    await until(async () => (await page.getByTestId("project-accrued").count()) > 0 && (await figure(page, "accrued")) === 55, "one third of 1.64");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("when the cap is reached, both viewers see it in the same update as the total", async () => {
    const pages = [await watch("mei"), await watch("tom")];
    for (const page of pages) {
      await connected(page);
      assert.equal(await page.getByTestId("sale-gives").getAttribute("data-minor"), "36", "what is left to the cap");
      // Every drawing of the strip: its total and whether it says that the pledge is over.
      await page.evaluate(() => {
        globalThis.drawn = [];
        new MutationObserver(() => {
          const minor = document.querySelector('[data-testid="charity-accrued"]')?.dataset.minor;
          const over = document.querySelector('[data-testid="charity-over"]')?.dataset.over ?? "";
          const label = document.querySelector('[data-testid="sale-gives-over"]')?.dataset.over ?? "";
          globalThis.drawn.push([minor, over, label].join("/"));
        }).observe(document.body, { subtree: true, childList: true, attributes: true });
      });
    }
    await buy("tom");
    for (const page of pages) {
      await page.locator('[data-testid="charity-over"][data-over="cap"]').waitFor();
      await page.locator('[data-testid="sale-gives-over"][data-over="cap"]').getByText("已经捐满").waitFor();
      assert.equal(await page.getByTestId("charity-accrued").getAttribute("data-minor"), CAP);
      const drawn = new Set(await page.evaluate(() => globalThis.drawn));
      assert.ok(!drawn.has(`${CAP}//`), `the full total was never drawn without the word: ${[...drawn].join(" ")}`);
      assert.deepEqual(await objections(page), []);
      assert.deepEqual(page.complaints, []);
    }
    for (const page of pages) await page.context().close();
    const page = await open(`/pledges/${pledge.id}`, ENGLISH);
    await page.locator('[data-testid="pledge-over"][data-over="cap"]').waitFor();
    await page.context().close();
  });

  test("two people remit it, with the bank's proof, and everybody sees it", async () => {
    const room = await watch("mei");
    const given = async () => Promise.all(["accrued", "confirmed", "remitted"].map((kind) => room.getByTestId(`charity-${kind}`).getAttribute("data-minor")));
    await connected(room);
    assert.deepEqual(await given(), [CAP, "0", "0"]);
    for (const [who, order] of orders) {
      const ship = (by, step) => server.call("POST", `/v1/orders/${order}/shipping`, token[by], step);
      await ship("lin", { state: "ORDER_STATE_PACKED" });
      await ship("lin", { state: "ORDER_STATE_SHIPPED", carrier: "中通", trackingNumber: "ZT10001" });
      await ship(who, { state: "ORDER_STATE_CONFIRMED" });
    }
    await until(async () => (await given()).join() === [CAP, CAP, "0"].join(), "the receipts to reach the room");
    const ops = (who) => visit(browser, `${server.base}/ops#view=remittances&token=${token[who]}`, ENGLISH);
    const kim = await ops("kim");
    await kim.getByTestId("owed").locator(`tr[data-row="${LUNCH.registration}"]`).getByTestId("propose").click();
    assert.equal(await kim.getByTestId("reason").count(), 0);
    await kim.getByTestId("confirm-yes").click();
    await kim.getByTestId("same-person").waitFor();
    assert.equal(await kim.getByTestId("approve").isDisabled(), true, "who proposed it cannot approve it");
    assert.deepEqual(await objections(kim), []);

    const wu = await ops("wu");
    await wu.getByTestId("approve").click();
    await wu.getByTestId("confirm-yes").click();
    await wu.getByTestId("transfer").click();
    await wu.getByTestId("reference").fill("ICBC-2026-001");
    await wu.getByTestId("confirm-yes").click();
    await wu.getByRole("alert").getByText("SHA-256").waitFor();
    const document = Buffer.from("the bank's own words");
    await wu.getByTestId("proof-file").setInputFiles({ name: "slip.pdf", mimeType: "application/pdf", buffer: document });
    const hash = createHash("sha256").update(document).digest("hex");
    await until(async () => (await wu.getByTestId("proof-hash").inputValue()) === hash, "the file's fingerprint");
    assert.deepEqual(await objections(wu), []);
    await wu.getByTestId("confirm-yes").click();
    await wu.locator('[data-testid="run-state"][data-state="transferred"]').waitFor();
    // 133 of the 200 are the first project's; the second one's wait for their own transfer.
    await until(async () => (await given()).join() === [CAP, CAP, "133"].join(), "the transfer to reach the room");
    assert.deepEqual([...kim.complaints, ...wu.complaints, ...room.complaints], []);

    const file = wu.waitForEvent("download");
    await wu.getByTestId("papers-charity").fill(LUNCH.registration);
    await wu.getByTestId("papers-regulator").click();
    assert.match(await (await file).createReadStream().then(async (stream) => Buffer.concat(await stream.toArray()).toString()), /ICBC-2026-001|山村小学午餐/);
    for (const page of [kim, wu, room]) await page.context().close();

    const page = await open(`/p/${LUNCH.id}`, ENGLISH);
    await page.getByTestId("transfer").getByText("ICBC-2026-001").waitFor();
    assert.equal(await figure(page, "remitted"), await figure(page, "confirmed"));
    assert.equal(await figure(page, "remitted"), 133);
    assert.ok((await page.getByTestId("transfer").textContent()).replaceAll(" ", "").includes(hash));
    // The statement opens, and says it too.
    const [paper] = await Promise.all([page.context().waitForEvent("page"), page.getByTestId("statement").first().click()]);
    await paper.waitForLoadState();
    assert.match(await paper.locator("body").textContent(), /ICBC-2026-001/);
    const sent = page.getByTestId("transfer").locator("a.to-leaf");
    await until(async () => (await page.reload()) !== null && (await sent.count()) > 0, "the transfer's line", 30_000);
    const line = JSON.parse((await server.call("GET", `/v1/log/leaves/${await sent.getAttribute("data-leaf")}`)).leaf);
    assert.deepEqual([line.kind, line.amount, line.reference], ["remittance", 133, "ICBC-2026-001"]);
    // On paper: whole pages of A4, nothing wider than they are, and of this page nothing to press.
    const { width, height } = { width: 297 - 24, height: 210 - 24 };
    await paper.setViewportSize({ width: Math.floor((width / 25.4) * 96), height: Math.floor((height / 25.4) * 96) });
    await paper.emulateMedia({ media: "print" });
    const cut = await paper.evaluate(() => [...document.querySelectorAll("table")].filter((table) => table.getBoundingClientRect().right > innerWidth + 1 || table.parentElement.scrollWidth > table.parentElement.clientWidth + 1).length);
    assert.equal(cut, 0, "no table is cut");
    const pdf = (await paper.pdf({ preferCSSPageSize: true })).toString("latin1");
    const boxes = [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, ...sides]) => sides.map((side) => Math.round(Number(side))));
    assert.ok(boxes.length >= 1, "a page at least");
    for (const [wide, high] of boxes) assert.ok(Math.abs(wide - 842) <= 1 && Math.abs(high - 595) <= 1, `A4 on its side: ${wide} x ${high}`);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("button:visible, nav:visible").count(), 0);
    assert.equal(await page.getByTestId("statement").first().isVisible(), false);
    await page.emulateMedia({ media: "screen" });
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("the register is searched in Chinese and in English", async () => {
    const page = await open("/projects");
    const found = () => page.getByTestId("found").evaluateAll((all) => all.map(({ dataset }) => dataset.project));
    await until(async () => (await found()).length === 2, "both projects");
    for (const [words, id] of [["小学午餐", LUNCH.id], ["library", LIBRARY.id]]) {
      await page.getByTestId("search").fill(words);
      await until(async () => (await found()).join() === id, `${words} to find ${id}`);
    }
    assert.ok(page.url().endsWith("?q=library"));
    await page.getByTestId("search").fill("没有这样的");
    await page.getByText("没有找到这样的项目。").waitFor();
    await page.reload();
    await page.getByText("没有找到这样的项目。").waitFor();
    await page.getByTestId("search").fill("午餐");
    await page.locator(`[data-project="${LUNCH.id}"]`).click();
    await page.getByTestId("project-title").getByText(LUNCH.title).waitFor();
    assert.deepEqual(page.complaints, []);
    await page.goto(`${server.base}/p/nothing-like-it`);
    await page.getByText("没有登记这个项目。").waitFor();
    await page.context().close();
  });

  test("axe has nothing against the new pages, by day and by night, small and large, in both languages", async () => {
    for (const [options, scheme] of [[{}, "light"], [{}, "dark"], [ENGLISH, "light"], [ENGLISH, "dark"]]) {
      const page = await open("/projects", { ...options, colorScheme: scheme });
      await page.getByTestId("found").first().waitFor();
      assert.deepEqual(await objections(page), [], `projects ${scheme}`);
      await page.goto(`${server.base}/p/${LUNCH.id}`);
      await page.getByTestId("project-title").waitFor();
      assert.deepEqual(await objections(page), [], `project ${scheme}`);
      await page.goto(`${server.base}/ops#view=remittances&token=${token.kim}`);
      await page.getByTestId("runs").waitFor();
      assert.deepEqual(await objections(page), [], `remittances ${scheme}`);
      await page.context().close();
    }
  });
});
