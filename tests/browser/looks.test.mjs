// How the viewer's pages look and sit: at every size, for those who see, hear or move in other ways, and with words that break a page.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { HOSTILE, browserMissing, closeSheet, connected, objections, openBrowser, tooSmall, unreachable, until, visit } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const HONEY = { ...WALNUT, sku: "honey-500g", title: "杏花蜜", unit: "500 g" };
const LIBRARY = { id: "hill-library", title: "Mountain library", charity: "读书基金会", registration: "53100000TEST00002X" };
const DESK = { viewport: { width: 1280, height: 800 } };

describe("the viewer's page, to the eye", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  let pledge;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    Object.assign(token, await server.tokens("viewer:mei:小梅", "viewer:ana:Ana", "host:lin:老林"));
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    await server.call("POST", "/v1/products", token.lin, HONEY);
    pledge = await server.pledge(token.lin, { cap: { minor: "100000", currency: "CNY" } });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const room = (id, { sale = true, ...more } = {}) => server.live(token.lin, id, { sale: sale && { pledgeId: pledge.id, ...sale }, ...more });
  const link = (address, who) => `${address}#token=${token[who]}`;

  test("a phone on its side sells and shows what is given, and only a keyboard puts that aside", async () => {
    const address = await room("aside");
    await server.call("PUT", "/v1/rooms/aside/cards", token.lin, { skus: [HONEY.sku] });
    for (const [width, height] of [[844, 390], [667, 375], [932, 430], [360, 640]]) {
      const page = await visit(browser, link(address, "mei"), { viewport: { width, height } });
      const what = (name) => `${name} at ${width} x ${height}`;
      await connected(page);
      for (const name of ["buy", "charity", "chat-input"]) assert.equal(await unreachable(page.getByTestId(name)), undefined, what(name));
      const card = page.locator(".card").filter({ hasText: HONEY.title });
      await card.scrollIntoViewIfNeeded();
      assert.equal(await unreachable(card), undefined, what("the pinned card"));
      if (height <= 480) {
        const [talk, shelf] = [await page.locator(".talk").boundingBox(), await page.locator(".shelf").boundingBox()];
        assert.ok(talk.x + talk.width <= shelf.x, "what is sold stands beside the chat");
        assert.ok(talk.height > 60, `the chat is ${talk.height} px high`);
      }
      await page.getByTestId("chat-input").focus();
      for (const name of ["buy", "charity"]) assert.equal(await page.getByTestId(name).isVisible(), height > 600, what(`${name} beside a keyboard`));
      await page.getByTestId("chat-input").blur();
      await page.getByTestId("buy").scrollIntoViewIfNeeded();
      for (const name of ["buy", "charity"]) assert.equal(await unreachable(page.getByTestId(name)), undefined, what(`${name} after the keyboard`));
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  });

  test("each pledge of a room has its strip, that of the newest sale first", async () => {
    const address = await room("two-pledges");
    const shared = await server.pledge(token.lin, { agreementSha256: "cd".repeat(32) }, [{ weight: 2 }, LIBRARY]);
    const honey = await server.sell(token.lin, "two-pledges", { sku: HONEY.sku, pledgeId: shared.id });
    const page = await visit(browser, link(address, "mei"));
    const strips = page.getByTestId("charity");
    await strips.nth(1).waitFor();
    const pledges = () => strips.evaluateAll((all) => all.map(({ dataset }) => dataset.pledge));
    assert.deepEqual((await pledges()).toSorted(), [pledge.id, shared.id].toSorted());
    const first = await page.getByTestId("sale-card").first().getAttribute("data-sale");
    assert.equal((await pledges())[0], first === honey.id ? shared.id : pledge.id, "they stand as the sales do");
    const strip = page.locator(`[data-testid="charity"][data-pledge="${shared.id}"]`);
    const who = (await strip.locator(".charity-who").allTextContents()).map((text) => text.replace(/[\u2066-\u2069]/g, ""));
    assert.equal(who.length, 2, "a line for each charity");
    assert.match(who[0], /山村小学午餐.*示例基金会.*登记号 53100000TEST00001X/);
    assert.match(who[1], /Mountain library.*读书基金会.*登记号 53100000TEST00002X/);
    assert.equal(await strip.getAttribute("href"), `/pledges/${shared.id}`);
    await server.buy(token.ana, honey.id);
    await until(async () => (await strip.getByTestId("charity-accrued").getAttribute("data-minor")) === "164", "the strip of the pledge that was bought from");
    for (const one of await strips.all()) {
      await one.scrollIntoViewIfNeeded();
      assert.equal(await unreachable(one), undefined);
    }
    assert.deepEqual(await objections(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("hostile names and titles stay where they are put", async () => {
    for (const [id, words] of Object.entries(HOSTILE)) {
      const address = await room(id, words);
      for (const size of [{ viewport: { width: 360, height: 740 } }, { viewport: { width: 844, height: 390 } }, DESK]) {
        const page = await visit(browser, link(address, "mei"), size);
        await page.getByTestId("buy").waitFor();
        await connected(page);
        await server.call("POST", `/v1/rooms/${id}/notices`, token.lin, { text: "﷽".repeat(200) });
        await page.locator(".line.notice").first().waitFor();
        const broken = await page.evaluate(() => {
          const wrong = [];
          if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} px wide`);
          for (const part of [".top a", ".language", ".charity", "[data-testid=buy]", "[data-testid=chat-input]", ".heart-button"]) {
            const box = document.querySelector(part).getBoundingClientRect();
            if (box.left < 0 || box.right > innerWidth + 0.5 || box.top < 0 || box.bottom > innerHeight + 0.5) wrong.push(`${part} at ${JSON.stringify(box)}`);
          }
          const at = ({ left, top, width, height }) => document.elementFromPoint(left + width / 2, top + height / 2);
          for (const part of ["[data-testid=buy]", ".heart-button", ".language"]) {
            const button = document.querySelector(part);
            if (!button.contains(at(button.getBoundingClientRect()))) wrong.push(`${part} is covered`);
          }
          return wrong;
        });
        assert.deepEqual(broken, [], id);
        assert.equal(await page.locator("h1 script").count(), 0);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
      }
      const door = await visit(browser, `${server.base}/`);
      await door.locator(`a[href="/rooms/${id}"]`).waitFor();
      assert.ok(await door.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${id} at the front door`);
      await door.context().close();
    }
    // Ten kilobytes are refused with words, by the page and by the server.
    const page = await visit(browser, link(`${server.base}/rooms/towers`, "mei"));
    await connected(page);
    await page.getByTestId("chat-input").evaluate((input, text) => {
      input.removeAttribute("maxlength");
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, "🍑".repeat(2_560));
    await page.getByTestId("chat-send").click();
    await page.getByText("一次最多 200 个字。").waitFor();
    await page.context().close();
    const refused = server.call("POST", "/v1/rooms", token.lin, { id: "ten-kilobytes", title: "🍑".repeat(2_560), hostName: "a", place: "b" });
    await assert.rejects(refused, /invalid-field/);
  });

  test("keys reach everything: past the top, into a sheet and out again", async () => {
    const address = await room("keys");
    const page = await visit(browser, link(address, "mei"), { ...DESK, locale: "en-GB" });
    await page.getByTestId("buy").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.className), "shelf");
    await page.getByRole("button", { name: "My orders" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.closest("dialog") !== null), "the focus is in the sheet");
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "My orders");

    // Stillness is remembered on the device.
    await page.getByTestId("motion").click();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.motion), "still");
    await page.reload();
    await page.getByTestId("buy").waitFor();
    assert.equal(await page.getByTestId("motion").getAttribute("aria-pressed"), "true");
    await until(() => page.evaluate(() => document.getAnimations().every(({ playState }) => playState !== "running")), "everything to stand still");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("who wishes for stillness on the device has it, and the switch on the page overrules the device", async () => {
    const address = await room("still", { sale: { limitPerBuyer: 20 } });
    const page = await visit(browser, link(address, "mei"), { reducedMotion: "reduce" });
    await connected(page);
    const sale = await page.getByTestId("sale-card").getAttribute("data-sale");
    /** Every amount that the strip has shown, from now on. */
    const shown = async () => {
      await page.evaluate(() => {
        const amount = document.querySelector(".charity-big");
        globalThis.shown = [amount.textContent];
        globalThis.watcher?.disconnect();
        globalThis.watcher = new MutationObserver(() => globalThis.shown.push(amount.textContent));
        globalThis.watcher.observe(amount, { subtree: true, childList: true, characterData: true });
      });
      return async () => [...new Set(await page.evaluate(() => globalThis.shown))];
    };
    /** Buys, and tells what the strip showed on the way to the new amount. */
    const amountsOfBuying = async () => {
      const amounts = await shown();
      const before = Number(await page.getByTestId("charity-accrued").getAttribute("data-minor"));
      await server.buy(token.ana, sale, 5);
      const after = `${((before + 820) / 100).toFixed(2)}`;
      await until(async () => (await amounts()).at(-1).endsWith(after), `the strip to say ${after}`);
      return amounts();
    };
    const risen = () => page.evaluate(() => globalThis.risen);
    await page.evaluate(() => {
      globalThis.risen = 0;
      new MutationObserver((changes) => (globalThis.risen += changes.flatMap(({ addedNodes }) => [...addedNodes]).length)).observe(document.querySelector(".hearts"), { childList: true });
    });
    const running = () => page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running").length);

    // The first gift of a page is shown at once in any case.
    await server.buy(token.mei, sale, 1);
    await until(async () => (await page.getByTestId("charity-accrued").getAttribute("data-minor")) !== "0", "the first gift");
    assert.equal(await page.getByTestId("motion").getAttribute("aria-pressed"), "true");
    assert.equal((await amountsOfBuying()).length, 2, "the amount jumps");
    await page.locator(".heart-button").click();
    await page.locator(".heart-count").waitFor();
    assert.equal(await risen(), 0, "no heart rises");
    await until(async () => (await running()) === 0, "everything to stand still");

    await page.getByTestId("motion").click();
    await until(async () => (await running()) > 0, "something to move");
    await page.locator(".heart-button").click();
    await until(async () => (await risen()) > 0, "a heart to rise");
    assert.ok((await amountsOfBuying()).length > 2, "the amount climbs");
    await page.reload();
    await connected(page);
    assert.equal(await page.getByTestId("motion").getAttribute("aria-pressed"), "false", "it is remembered");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("figures are as wide as each other, so that no number that changes pushes what stands beside it", async () => {
    const address = await room("figures");
    const page = await visit(browser, link(address, "mei"));
    await connected(page);
    const desk = await visit(browser, `${server.base}/host#room=figures&view=now&token=${token.lin}`, DESK);
    await desk.getByTestId("sale-row").waitFor();
    for (const [where, figures] of [[page, [".money", ".charity-big", ".countdown time", ".left-words", ".viewers", ".stepper output"]], [desk, [".money", ".tile dd", ".sale-row dd", ".on-air time"]]]) {
      for (const one of figures) {
        const { kind, widths } = await where.locator(one).first().evaluate((element) => {
          const probe = element.appendChild(document.createElement("span"));
          probe.style.cssText = "position: absolute; display: inline-block; white-space: nowrap";
          const widths = ["00000", "11111", "47474"].map((text) => {
            probe.textContent = text;
            return probe.getBoundingClientRect().width;
          });
          probe.remove();
          return { kind: getComputedStyle(element).fontVariantNumeric, widths };
        });
        assert.match(kind, /tabular-nums/, one);
        assert.ok(Math.max(...widths) - Math.min(...widths) < 0.1, `${one}: ${widths.join(", ")}`);
      }
    }
    assert.deepEqual([...page.complaints, ...desk.complaints], []);
    for (const one of [page, desk]) await one.context().close();
  });

  test("axe has nothing against room and front door, by day and by night, small and large, in both languages", async () => {
    const address = await room("axe");
    await server.call("POST", "/v1/rooms/axe/notices", token.lin, { text: "今天的核桃是早上打的" });
    await server.call("PUT", "/v1/rooms/axe/cards", token.lin, { skus: ["walnut-1kg"] });
    for (const [colorScheme, locale, viewport] of [
      ["light", "zh-CN", { width: 390, height: 844 }],
      ["dark", "en-GB", { width: 390, height: 844 }],
      ["light", "en-GB", DESK.viewport],
      ["dark", "zh-CN", DESK.viewport],
    ]) {
      // A finger, not a mouse, on the small one.
      const hasTouch = viewport.width === 390;
      const look = { colorScheme, locale, viewport, hasTouch };
      const what = `${colorScheme} ${locale} ${viewport.width}`;
      const page = await visit(browser, link(address, "ana"), look);
      await page.getByTestId("buy").waitFor();
      await page.getByTestId("chat-input").fill("你好 hello");
      await page.getByTestId("chat-send").click();
      await page.getByTestId("chat-line").first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale.startsWith("zh") ? "zh-CN" : "en");
      const clean = async (which) => {
        assert.deepEqual(await objections(page), [], `${which} ${what}`);
        if (hasTouch) assert.deepEqual(await tooSmall(page), [], `${which} ${what}`);
      };
      await clean("room");
      await page.goto(`${server.base}/`);
      await page.locator(".door").first().waitFor();
      await clean("front door");
      await page.goto(`${server.base}/pledges/${pledge.id}`);
      await page.getByTestId("pledge-project").waitFor();
      await clean("pledge");
      await page.goto(`${server.base}/rooms/nowhere`);
      await page.locator(".still").waitFor();
      await clean("missing room");
      await page.context().close();
    }
  });
});
