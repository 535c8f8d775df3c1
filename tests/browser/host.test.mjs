// The host's desk: from the plan of a stream to its settlement, for a host, a moderator by link and a commissioner.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { browserMissing, closeSheet, connected, fillShipping, objections, openBrowser, tooSmall, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const TABLE = { viewport: { width: 1280, height: 900 } };
const ROOM = "hillside";

const skus = (page) => page.getByTestId("sheet-line").evaluateAll((lines) => lines.map((line) => line.dataset.sku));
const number = async (locator) => Number((await locator.textContent()).replaceAll(",", ""));

describe("the host's desk", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  let pledge;

  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    for (const who of ["viewer:mei:小梅", "host:lin:老林"]) {
      const [role, subject, name] = who.split(":");
      token[subject] = await server.token(role, subject, name);
    }
    token.zhou = await server.token("commissioner", "zhou", "周专员", { county: "云南" });
    for (const [sku, title, price] of [
      ["walnut-1kg", "薄皮核桃", "4680"],
      ["honey-500g", "杏花蜜", "8800"],
      ["apricot-2500g", "树上黄杏", "5990"],
    ]) {
      await server.call("POST", "/v1/products", token.lin, { sku, title, unit: "一份", price: { minor: price, currency: "CNY" }, onHand: 30, category: "farm" });
    }
    pledge = await server.pledge(token.lin);
    await server.call("POST", "/v1/rooms", token.lin, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const desk = (who, view = "now", options = TABLE, room = ROOM) =>
    visit(browser, `${server.base}/host#room=${room}&view=${view}&token=${token[who]}`, options);
  const watch = (room = ROOM) => visit(browser, `${server.base}/rooms/${room}#token=${token.mei}`);
  const calm = async (...pages) => {
    for (const page of pages) {
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  };
  const go = (page, view, room = ROOM) => page.evaluate((hash) => (location.hash = hash), `#room=${room}&view=${view}`);

  test("schedules a stream, changes its place, and finds it among the rooms", async () => {
    const page = await visit(browser, `${server.base}/host#token=${token.lin}`);
    await page.getByTestId("room-new").click();
    await page.getByTestId("room-save").click();
    assert.equal(await page.locator("#room-title").getAttribute("aria-invalid"), "true", "a stream has a name");
    await page.locator("#room-title").fill("今早采的杏");
    await page.locator("#room-place").fill("新疆 轮台");
    await page.locator("#room-when").fill("2030-06-01T20:00");
    await page.getByTestId("room-save").click();
    await page.getByTestId("room-title").filter({ hasText: "今早采的杏" }).waitFor();
    await page.goto(`${server.base}/host#rooms`);
    const card = page.getByTestId("my-room").filter({ hasText: "今早采的杏" });
    await card.getByRole("button").click();
    await page.locator("#room-place").fill("新疆 库车");
    await page.getByTestId("room-save").click();
    await card.getByText("新疆 库车").waitFor();
    assert.equal(await page.getByTestId("my-room").count(), 2);
    await calm(page);
  });

  test("the run sheet is put in order by buttons, keys and a drag, and a reload keeps it", async () => {
    const page = await desk("lin");
    await page.getByTestId("sheet-add").click();
    for (const sku of ["walnut-1kg", "honey-500g", "apricot-2500g"]) {
      await page.locator(`[data-testid="sheet-pick"][data-sku="${sku}"]`).click();
      await page.locator(`[data-testid="sheet-pick"][data-sku="${sku}"][aria-pressed="true"]`).waitFor();
    }
    await closeSheet(page);
    assert.deepEqual(await skus(page), ["walnut-1kg", "honey-500g", "apricot-2500g"]);
    const saved = (order) =>
      until(async () => {
        const { runSheet } = await server.call("GET", `/v1/rooms/${ROOM}`, token.lin);
        return runSheet.map(({ sku }) => sku).join() === order.join();
      }, `the record to have ${order}`);

    const line = (sku) => page.locator(`[data-testid="sheet-line"][data-sku="${sku}"]`);
    await line("apricot-2500g").getByTestId("sheet-up").click();
    await saved(["walnut-1kg", "apricot-2500g", "honey-500g"]);
    await line("apricot-2500g").getByTestId("sheet-grip").focus();
    await page.keyboard.press("ArrowUp");
    await saved(["apricot-2500g", "walnut-1kg", "honey-500g"]);
    assert.equal(await page.evaluate(() => document.activeElement.closest("[data-sku]")?.dataset.sku), "apricot-2500g", "the focus moves along");

    const grip = await line("honey-500g").getByTestId("sheet-grip").boundingBox();
    const target = await line("apricot-2500g").boundingBox();
    await page.mouse.move(grip.x + grip.width / 2, grip.y + 10);
    await page.mouse.down();
    await page.mouse.move(grip.x + grip.width / 2, target.y + 60, { steps: 6 });
    await page.mouse.move(grip.x + grip.width / 2, target.y - 40, { steps: 6 });
    await page.mouse.up();
    await saved(["honey-500g", "apricot-2500g", "walnut-1kg"]);

    await line("walnut-1kg").getByTestId("sheet-edit").click();
    await page.locator("#sale-price").fill("32.80");
    await page.locator("#sale-stock").fill("8");
    await page.locator("#sale-pledgeId").selectOption(pledge.id);
    await page.locator("#plan-note").fill("今年的新核桃，一捏就开");
    await page.getByTestId("plan-save").click();
    await page.getByTestId("plan-sheet").waitFor({ state: "detached" });
    await page.reload();
    await page.getByTestId("sheet-line").first().waitFor();
    assert.deepEqual(await skus(page), ["honey-500g", "apricot-2500g", "walnut-1kg"]);
    await line("walnut-1kg").getByText("今年的新核桃").waitFor();

    await line("honey-500g").getByTestId("sheet-edit").click();
    await page.getByTestId("plan-remove").click();
    await page.getByTestId("plan-remove-sure").click();
    await line("honey-500g").waitFor({ state: "detached" });
    await line("walnut-1kg").getByTestId("sheet-pin").click();
    await line("walnut-1kg").locator('[data-testid="sheet-pin"][aria-pressed="true"]').waitFor();
    await calm(page);
  });

  test("a flash sale is two taps away, and what is wrong keeps it shut", async () => {
    const page = await desk("lin", "now", {});
    await page.getByTestId("state-live").click();
    await page.locator('.host[data-state="live"]').waitFor();
    await page.getByTestId("on-air").first().waitFor();
    await go(page, "sheet");
    const line = page.locator('[data-testid="sheet-line"][data-sku="walnut-1kg"]');
    await line.getByTestId("sheet-sale").click();
    const mark = (name) => page.locator(`[data-check="${name}"]`).getAttribute("data-mark");
    await page.getByTestId("checks").waitFor();
    for (const name of ["stock", "price", "pledge", "others", "air"]) assert.equal(await mark(name), "good", name);
    await page.locator("#sale-stock").fill("31");
    assert.equal(await mark("stock"), "bad", "30 are on hand");
    assert.ok(await page.getByTestId("sale-create").isDisabled());
    await page.locator("#sale-stock").fill("8");
    await page.locator("#sale-price").fill("50");
    assert.equal(await mark("price"), "warn", "dearer than every day");
    await closeSheet(page);

    const viewer = await watch();
    await line.getByTestId("sheet-sale").click();
    await page.getByTestId("sale-create").click();
    await page.getByTestId("open-sale").waitFor({ state: "detached" });
    await viewer.getByTestId("buy").waitFor();
    assert.equal(Number(await viewer.getByTestId("sale-left").getAttribute("data-left")), 8);
    await line.locator(".sheet-running").waitFor();
    assert.equal(await line.getByTestId("sheet-sale").count(), 0, "it is on already");
    await calm(page, viewer);
  });

  test("a sale pauses, goes on, gets and gives back units, and never those that are promised", async () => {
    const [page, viewer] = await Promise.all([desk("lin"), watch()]);
    const row = page.getByTestId("sale-row");
    await viewer.getByTestId("buy").click();
    await row.getByTestId("sale-held").filter({ hasText: "1" }).waitFor();
    await viewer.locator(".sheet-close").click();

    await row.getByTestId("sale-pause").click();
    await page.locator('[data-testid="sale-row"][data-face="paused"]').waitFor();
    await viewer.locator('[data-testid="sale-card"][data-face="paused"]').waitFor();
    await row.getByTestId("sale-resume").click();
    await viewer.locator('[data-testid="sale-card"][data-face="open"]').waitFor();

    const change = async (way, units) => {
      await row.getByTestId("sale-stock").click();
      await page.getByTestId(`stock-${way}`).click();
      await page.locator("#stock-units").fill(String(units));
      await page.getByTestId("stock-send").click();
    };
    await change("add", 5);
    await row.getByTestId("sale-left").filter({ hasText: "12" }).waitFor();
    await change("take", 13);
    await page.locator("#stock-note[data-wrong=true]").waitFor();
    await page.locator(".said.wrong").waitFor();
    await closeSheet(page);
    await change("take", 12);
    await row.getByTestId("sale-left").filter({ hasText: /^0$/ }).waitFor();
    await change("add", 3);
    await row.getByTestId("sale-left").filter({ hasText: /^3$/ }).waitFor();

    // The buyer pays what was held all the while.
    await viewer.locator(".sale-buy").click();
    await fillShipping(viewer);
    await viewer.getByTestId("pay-approve").click();
    await row.getByTestId("sale-sold").filter({ hasText: "1" }).waitFor();
    await page.getByTestId("to-pack").filter({ hasText: "1" }).waitFor();
    await page.getByTestId("figure-orders").filter({ hasText: "1" }).waitFor();

    await row.getByTestId("sale-close").click();
    await page.getByTestId("sale-close-sure").click();
    await row.waitFor({ state: "detached" });
    // The refused change is an answer of 409, which the browser notes by itself.
    page.complaints = page.complaints.filter((text) => !/status of 409/.test(text));
    await calm(page, viewer);
  });

  test("products are made and their stock is changed", async () => {
    const page = await desk("lin", "products");
    const walnut = page.locator('[data-testid="product"][data-sku="walnut-1kg"]').getByTestId("product-on-hand");
    await walnut.filter({ hasText: "29" }).waitFor();
    await page.locator('[data-testid="product"][data-sku="walnut-1kg"]').getByTestId("product-stock").click();
    await page.locator("#stock-units").fill("11");
    await page.getByTestId("stock-send").click();
    await walnut.filter({ hasText: "40" }).waitFor();
    await page.getByTestId("product-new").click();
    await page.locator("#product-title").fill("无硫杏干");
    await page.locator("#product-unit").fill("500 克一袋");
    await page.locator("#product-price").fill("35.80");
    await page.locator("#product-onHand").fill("60");
    await page.getByTestId("product-save").click();
    const made = page.getByTestId("product").filter({ hasText: "无硫杏干" });
    assert.equal(await number(made.getByTestId("product-on-hand")), 60);
    await calm(page);
  });

  test("a pledge is made from the register, its agreement stays on the device, and its statement is had by month", async () => {
    await server.pledge(token.lin, {}, [{ id: "hill-library", title: "Mountain library", charity: "读书基金会", registration: "53100000TEST00003X" }]);
    const page = await desk("lin", "products");
    const before = await page.getByTestId("pledge-made").count();
    await page.getByTestId("pledge-new").click();
    await page.getByTestId("pledge-save").click();
    await page.locator(".said, .wrong").filter({ hasText: "请选 1 到 5 个项目" }).first().waitFor();
    for (const [words, id] of [["午餐", "school-lunch"], ["library", "hill-library"]]) {
      await page.getByTestId("pledge-search").fill(words);
      await page.locator(`[data-testid="pledge-pick"][data-project="${id}"]`).click();
    }
    await page.locator('[data-testid="pledge-part"][data-project="school-lunch"] input').fill("3");
    await page.getByText("得 75%").waitFor();
    await page.locator("#pledge-percent").fill("2.5");
    await page.locator("#pledge-cap").fill("1000");
    await page.getByTestId("agreement-file").setInputFiles({ name: "agreement.pdf", mimeType: "application/pdf", buffer: Buffer.from("abc") });
    await until(async () => (await page.getByTestId("agreement-hash").inputValue()).startsWith("ba7816bf"), "the agreement's fingerprint");
    assert.deepEqual(await objections(page), []);
    await page.getByTestId("pledge-save").click();
    await page.getByTestId("pledge-form").waitFor({ state: "detached" });
    await until(async () => (await page.getByTestId("pledge-made").count()) > before, "the new pledge in the list");
    const { pledges } = await server.call("GET", "/v1/pledges", token.lin);
    const made = pledges.find(({ agreementSha256 }) => agreementSha256.startsWith("ba7816bf"));
    assert.deepEqual([made.sharePpm, made.cap.minor, made.parts.map(({ projectId, weight }) => [projectId, weight])], [25_000, "100000", [["school-lunch", 3], ["hill-library", 1]]]);
    for (const kind of ["csv", "html"]) {
      const file = page.waitForEvent("download");
      await page.getByTestId(`statement-${kind}`).click();
      assert.match((await file).suggestedFilename(), new RegExp(`^statement-\\d{4}-\\d{2}\\.${kind}$`));
    }
    await calm(page);
  });

  test("a moderator by link keeps the chat, sees no money, and is let go", async () => {
    const page = await desk("lin", "helpers");
    await page.locator("#helper-name").fill("小满");
    await page.getByTestId("invite").click();
    const link = await page.getByTestId("invitation-link").inputValue();
    assert.ok(link.startsWith(`${server.base}/host#room=${ROOM}&token=`));
    await page.locator(".code").waitFor();

    const helper = await visit(browser, link, TABLE);
    await connected(helper);
    await helper.getByTestId("badge").waitFor();
    const viewer = await watch();
    await viewer.getByTestId("chat-input").fill("加我微信");
    await viewer.getByTestId("chat-send").click();
    const said = viewer.getByTestId("chat-line").filter({ hasText: "加我微信" });
    await said.waitFor();
    await helper.getByTestId("chat-line").filter({ hasText: "加我微信" }).getByRole("button").click();
    await helper.getByTestId("line-delete").click();
    await said.waitFor({ state: "detached" });
    await helper.getByTestId("card-pick").filter({ hasText: "核桃" }).waitFor();
    for (const hidden of ["state-pause", "sheet-sale", "to-pack", "tab-orders", "notice-way", "figure-orders"]) {
      assert.equal(await helper.getByTestId(hidden).count(), 0, `${hidden} is not for a moderator`);
    }

    await page.getByTestId("helper").filter({ hasText: "小满" }).getByTestId("dismiss").click();
    await page.getByTestId("dismiss-sure").click();
    await page.getByTestId("helper").waitFor({ state: "detached" });
    await helper.reload();
    await helper.locator(".still").waitFor();
    assert.equal(await helper.getByTestId("chat-line").count(), 0);
    await viewer.context().close();
    helper.complaints = helper.complaints.filter((text) => !/status of 40[134]/.test(text));
    await calm(page, helper);
  });

  test("an order is packed, shipped and partly given back", async () => {
    const page = await desk("lin", "orders", {});
    const order = page.locator('[data-testid="order"][data-state="paid"]');
    await order.getByTestId("order-pack").click();
    await page.locator('[data-testid="order"][data-state="packed"]').getByTestId("order-ship").click();
    await page.getByText("示例路 1 号").waitFor();
    await page.locator("#ship-carrier").fill("顺丰速运");
    await page.locator("#ship-number").fill("SF1234567890");
    await page.getByTestId("ship-send").click();
    await page.getByText("SF1234567890").waitFor();
    await page.getByTestId("sheet-refund").click();
    await page.locator("#refund-amount").fill("2.80");
    await page.locator("#refund-reason").fill("路上压坏了一个");
    await page.getByTestId("refund-send").click();
    await page.getByTestId("refund-send").filter({ hasText: "2.80" }).click();
    await page.locator(".facts").getByText("¥2.80").waitFor();
    await closeSheet(page);
    await page.locator('[data-testid="order"][data-state="shipped"]').waitFor();
    await calm(page);
  });

  test("a commissioner helps in the county's rooms, without the money", async () => {
    const page = await visit(browser, `${server.base}/host#token=${token.zhou}`, TABLE);
    const card = page.locator(`[data-testid="my-room"][data-room="${ROOM}"]`);
    await card.getByTestId("helping").waitFor();
    assert.equal(await page.getByTestId("my-room").count(), 1, "only those of the county");
    assert.equal(await page.getByTestId("room-new").count(), 0);
    await card.getByRole("link").click();
    await page.getByTestId("sheet-line").first().waitFor();
    await page.getByTestId("figure-orders").filter({ hasText: "1" }).waitFor();
    for (const hidden of ["state-pause", "state-end", "sheet-sale", "sheet-edit", "sheet-add", "to-pack", "tab-orders", "tab-products", "tab-helpers"]) {
      assert.equal(await page.getByTestId(hidden).count(), 0, `${hidden} is not for a commissioner`);
    }
    const before = await skus(page);
    await page.getByTestId("sheet-down").first().click();
    await until(async () => (await skus(page))[1] === before[0], "the first line to move down");
    // The page moves it before it is told to the server.
    await until(async () => (await server.call("GET", `/v1/rooms/${ROOM}`, token.lin)).runSheet[1].sku === before[0], "the record to have it so");
    await calm(page);
  });

  test("a killed server is said on the desk, which comes back by itself with everything on it", async () => {
    const page = await desk("lin");
    await connected(page);
    await page.getByTestId("sheet-line").first().waitFor();
    const lines = await skus(page);
    const loaded = await page.evaluate(() => performance.timeOrigin);
    await server.kill();
    await page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor();
    await server.restart();
    await connected(page);
    // A change made after the cut goes to the server that is there now.
    await page.getByTestId("sheet-down").first().click();
    await until(async () => {
      const { runSheet } = await server.call("GET", `/v1/rooms/${ROOM}`, token.lin);
      return runSheet[1]?.sku === lines[0];
    }, "the first line to move down");
    assert.deepEqual((await skus(page)).toSorted(), lines.toSorted());
    assert.equal(loaded, await page.evaluate(() => performance.timeOrigin), "nobody reloaded it");
    // The browser itself says that nobody answered; the page says nothing.
    page.complaints = page.complaints.filter((text) => !/ERR_CONNECTION|WebSocket connection to/.test(text));
    await calm(page);
  });

  test("axe has nothing against any view, by day and by night, small and large, in both languages", async () => {
    // Lines are not kept when a server ends.
    const viewer = await watch();
    await viewer.getByTestId("chat-input").fill("今年的核桃新鲜吗？");
    await viewer.getByTestId("chat-input").press("Enter");
    await viewer.getByTestId("chat-line").first().waitFor();
    for (const [colorScheme, locale, viewport] of [
      ["light", "zh-CN", { width: 390, height: 844 }],
      ["dark", "en-GB", { width: 390, height: 844 }],
      ["light", "en-GB", TABLE.viewport],
      ["dark", "zh-CN", TABLE.viewport],
    ]) {
      // A finger, not a mouse, on the small one.
      const hasTouch = viewport.width === 390;
      const page = await desk("lin", "now", { colorScheme, locale, viewport, hasTouch });
      const clean = async (what) => {
        assert.deepEqual(await objections(page), [], `${what} ${colorScheme} ${locale} ${viewport.width}`);
        if (hasTouch) assert.deepEqual(await tooSmall(page), [], `${what} ${colorScheme} ${locale}`);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${what} is too wide at ${viewport.width}`);
      };
      await connected(page);
      await page.getByTestId("sheet-line").first().waitFor({ state: "attached" });
      for (const [view, there] of [
        ["now", page.locator(".state-panel")],
        ["sheet", page.getByTestId("sheet-line").first()],
        ["chat", page.getByTestId("composer")],
        ["orders", page.getByTestId("order").first()],
        ["more", page.locator(".more-list")],
        ["products", page.getByTestId("product").first()],
        ["helpers", page.locator("#helper-name")],
        ["room", page.locator("#room-title")],
        ["summary", page.getByTestId("summary")],
      ]) {
        await go(page, view);
        await there.waitFor();
        await clean(view);
      }
      await go(page, "sheet");
      await page.getByTestId("sheet-sale").first().click();
      await page.getByTestId("checks").waitFor();
      await clean("open a sale");
      await closeSheet(page);
      await page.getByTestId("sheet-edit").first().click();
      await clean("plan");
      await closeSheet(page);
      await go(page, "chat");
      await page.getByTestId("chat-line").first().getByRole("button").click();
      await clean("line");
      await closeSheet(page);
      await page.evaluate(() => (location.hash = "#rooms"));
      await page.getByTestId("my-room").first().waitFor();
      await clean("rooms");
      await page.getByTestId("room-new").click();
      await clean("schedule");
      await calm(page);
    }
  });

  test("after the end there is a summary, and its files are the record's", async () => {
    const page = await desk("lin");
    await page.getByTestId("state-end").click();
    await page.getByTestId("state-end-sure").click();
    await page.getByTestId("summary").waitFor();
    assert.match(await page.getByTestId("summary-gmv").textContent(), /32\.80/);
    const settled = (name) => page.locator(`[data-testid="settlement"] [data-line="${name}"] .money`).textContent();
    assert.match(await settled("gross"), /32\.80/);
    assert.match(await settled("refunds"), /2\.80/);
    assert.match(await settled("commission"), /0\.00/);
    const cents = async (name) => Math.round(Number((await settled(name)).replace(/[^\d.-]/g, "")) * 100);
    const [gross, refunds, commission, fee, charity, net] = await Promise.all(["gross", "refunds", "commission", "fee", "charity", "net"].map(cents));
    assert.equal(net, gross - refunds - commission - fee - charity);
    const download = async (name) => {
      const [list] = await Promise.all([page.waitForEvent("download"), page.getByTestId(`file-${name}`).click()]);
      return readFile(await list.path(), "utf8");
    };
    const orders = await download("orders");
    assert.match(orders, /walnut-1kg|薄皮核桃/);
    assert.ok(!orders.includes("林小满"), "no personal data in the list of orders");
    assert.match(await download("settlement"), /commission/i);
    assert.match(await download("charity"), /53100000TEST00001X|山村小学午餐/);
    await page.locator(".chart .uplot").first().waitFor();
    await page.locator(".chart-table summary").first().click();
    await page.locator(".chart-table table").first().waitFor();
    assert.deepEqual(await objections(page), []);
    await page.reload();
    await page.getByTestId("summary").waitFor();
    await calm(page);
  });
});
