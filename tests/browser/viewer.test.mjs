// The viewer's page beyond a purchase: the picture, lines that break, guests, papers, hostile text, and what axe finds.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { HOSTILE, browserMissing, closeSheet, connected, note, objections, openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const STREAM = "https://stream.example/orchard.m3u8";
/** What a sandbox takes for a purchase. */
const PAYMENT = { method: "PAYMENT_METHOD_SANDBOX_APPROVE", shipTo: { name: "林小满", phone: "13800000000", address: "示例路 1 号" } };
const DESK = { viewport: { width: 1280, height: 800 } };

const left = async (page) => Number(await page.getByTestId("sale-left").getAttribute("data-left"));
const picture = (page, state) => page.locator(`[data-testid="picture"][data-picture="${state}"]`).waitFor({ state: "attached" });

/** As another page in front of it would: there is no way to cover a page from outside. */
async function cover(page, covered) {
  await page.evaluate((covered) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => covered });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (covered ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, covered);
}

/** Serves the fixture as a host's stream would be; `away` makes it fail. */
async function stream(context) {
  const asked = [];
  const served = { away: false, asked };
  await context.route("https://stream.example/**", async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    asked.push(name);
    if (served.away || !/^(orchard\.m3u8|part\d\.ts)$/.test(name)) return route.fulfill({ status: 404, headers: { "access-control-allow-origin": "*" } });
    const contentType = name.endsWith(".m3u8") ? "application/vnd.apple.mpegurl" : "video/mp2t";
    const body = await readFile(new URL(`fixtures/hls/${name}`, import.meta.url));
    return route.fulfill({ status: 200, contentType, headers: { "access-control-allow-origin": "*" }, body });
  });
  return served;
}

describe("the viewer's page", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  let pledge;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    for (const who of ["viewer:mei:小梅", "viewer:tom:Tom", "viewer:ana:Ana", "host:lin:老林", "ops:ops:值班"]) {
      const [role, subject, name] = who.split(":");
      token[subject] = await server.token(role, subject, name);
    }
    await server.call("POST", "/v1/products", token.lin, {
      sku: "walnut-1kg",
      title: "薄皮核桃",
      unit: "1 kg",
      price: { minor: "4680", currency: "CNY" },
      onHand: 500,
      category: "farm",
    });
    pledge = await server.pledge(token.lin, { cap: { minor: "100000", currency: "CNY" } });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** A live room of its own for each test, with or without something to sell. */
  async function room(id, { sale = true, ...more } = {}) {
    await server.call("POST", "/v1/rooms", token.lin, { id, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞", ...more });
    await server.call("POST", `/v1/rooms/${id}/state`, token.lin, { state: "ROOM_STATE_LIVE" });
    if (sale) {
      await server.call("POST", `/v1/rooms/${id}/sales`, token.lin, {
        sku: "walnut-1kg",
        price: { minor: "3280", currency: "CNY" },
        stock: 20,
        limitPerBuyer: 5,
        holdSeconds: 120,
        durationSeconds: 900,
        pledgeId: pledge.id,
        openNow: true,
      });
    }
    return `${server.base}/rooms/${id}`;
  }
  const link = (address, who) => `${address}#token=${token[who]}`;

  async function buy(page, quantity = 1) {
    for (let n = 1; n < quantity; n += 1) await page.locator(".stepper .round").last().click();
    await page.getByTestId("buy").click();
    await page.locator('[data-testid="order-state"][data-state="held"]').waitFor();
    await fillShipping(page);
    await page.getByTestId("pay-approve").click();
    await page.getByTestId("open-receipt").waitFor();
  }

  async function fillShipping(page) {
    await page.getByTestId("ship-name").fill("林小满");
    await page.getByTestId("ship-phone").fill("13800000000");
    await page.getByTestId("ship-address").fill("示例路 1 号");
  }

  describe("and its picture", () => {
    for (const [how, init] of [
      ["the browser itself", undefined],
      ["hls.js, fetched only then", () => (HTMLMediaElement.prototype.canPlayType = () => "")],
    ]) {
      test(`is played by ${how}`, async (context) => {
        const address = await room(`picture-${init === undefined ? "own" : "hls"}`, { playbackUrl: STREAM });
        const people = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
        if (init !== undefined) await people.addInitScript(init);
        await stream(people);
        const page = await visit(browser, address, { context: people });
        const can = await page.evaluate(() => document.createElement("video").canPlayType("application/vnd.apple.mpegurl"));
        if (init === undefined && can === "") return context.skip("this browser plays no HLS by itself");
        await picture(page, "plays");
        await until(() => page.getByTestId("picture").evaluate((video) => video.currentTime > 0.4 && video.videoWidth === 90), "the picture to move");
        const fetched = await page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/hls.")).length);
        assert.equal(fetched > 0, init !== undefined, "the player is fetched when it is needed");
        assert.equal(await page.locator(".poster-words").isVisible(), false);

        // Sound is a choice.
        assert.equal(await page.getByTestId("picture").evaluate((video) => video.muted), true);
        await page.getByRole("button", { name: "打开声音" }).click();
        assert.equal(await page.getByTestId("picture").evaluate((video) => video.muted), false);

        // Behind another page it stops, and the room goes on.
        await cover(page, true);
        await until(() => page.getByTestId("picture").evaluate((video) => video.paused && !video.hasAttribute("src")), "the picture to stop");
        await connected(page);
        await cover(page, false);
        await picture(page, "plays");
        assert.deepEqual(page.complaints, []);
        await people.close();
      });
    }

    test("gives way to the poster when it fails, and comes by itself when it is back", async () => {
      const address = await room("picture-away", { playbackUrl: STREAM });
      const people = await browser.newContext({ ...DESK, locale: "en-GB" });
      const served = await stream(people);
      served.away = true;
      const page = await visit(browser, address, { context: people });
      await picture(page, "lost");
      const words = page.locator(".poster-words");
      await words.getByText("老林").waitFor();
      await words.getByText("云南 漾濞").waitFor();
      await words.getByText("薄皮核桃").waitFor();
      served.away = false;
      await picture(page, "plays");
      assert.deepEqual(page.complaints.filter((text) => !/404/.test(text)), []);
      await people.close();
    });

    test("waits for a tap on a phone that saves data", async () => {
      const address = await room("picture-saver", { playbackUrl: STREAM });
      const people = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
      await people.addInitScript(() => Object.defineProperty(navigator, "connection", { get: () => ({ saveData: true }) }));
      const served = await stream(people);
      const page = await visit(browser, address, { context: people });
      await connected(page);
      await picture(page, "asks");
      assert.deepEqual(served.asked, []);
      await page.getByTestId("picture-play").click();
      await picture(page, "plays");
      assert.deepEqual(page.complaints, []);
      await people.close();
    });

    test("is allowed to rooms alone", async () => {
      const policy = async (path) => (await fetch(server.base + path)).headers.get("content-security-policy");
      assert.match(await policy("/rooms/anything"), /connect-src 'self' https:;.*media-src 'self' https: blob:;/);
      for (const path of ["/", "/host", "/ops", `/pledges/${pledge.id}`, "/v1/rooms"]) {
        assert.match(await policy(path), /connect-src 'self';/, path);
        assert.doesNotMatch(await policy(path), /media-src|worker-src|unsafe/, path);
      }
    });
  });

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
    const buy = async (who) => {
      const { id } = await hold(who);
      await server.call("POST", `/v1/orders/${id}/pay`, token[who], PAYMENT);
      await until(async () => (await server.call("GET", `/v1/orders/${id}`, token[who])).state === "ORDER_STATE_PAID", "the order to be paid");
    };
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
    await page.getByTestId("ship-name").fill("林小满");
    await page.getByTestId("ship-phone").fill("13800000000");
    await page.getByTestId("ship-address").fill("示例路 1 号");
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

    // The strip leads to the pledge's own page, and back.
    await page.getByTestId("charity").click();
    await page.getByTestId("pledge-project").getByText("山村小学午餐").waitFor();
    const paper = await page.getByTestId("pledge").textContent();
    assert.match(paper, /示例基金会.*53100000TEST00001X/);
    assert.match(paper, /5%/);
    assert.match(paper, /¥1,000\.00/);
    assert.ok(paper.includes("abababab".repeat(1)), "the fingerprint of the agreement");
    await until(async () => Number(await page.getByTestId("pledge-accrued").getAttribute("data-minor")) >= 278, "the total");
    assert.deepEqual(await objections(page), []);
    await page.getByRole("link", { name: "回到直播间" }).click();
    await connected(page);
    assert.deepEqual(page.complaints, []);
    await page.context().close();

    const lost = await visit(browser, `${server.base}/pledges/nothing-like-it`, { locale: "en-GB" });
    await lost.getByText("There is no such pledge.").waitFor();
    await lost.context().close();
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

  test("hostile names and titles stay where they are put", async () => {
    for (const [id, words] of Object.entries(HOSTILE)) {
      const address = await room(id, words);
      for (const size of [{ viewport: { width: 360, height: 740 } }, DESK]) {
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
      const look = { colorScheme, locale, viewport };
      const what = `${colorScheme} ${locale} ${viewport.width}`;
      const page = await visit(browser, link(address, "ana"), look);
      await page.getByTestId("buy").waitFor();
      await page.getByTestId("chat-input").fill("你好 hello");
      await page.getByTestId("chat-send").click();
      await page.getByTestId("chat-line").first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale.startsWith("zh") ? "zh-CN" : "en");
      assert.deepEqual(await objections(page), [], `room ${what}`);
      await page.goto(`${server.base}/`);
      await page.locator(".door").first().waitFor();
      assert.deepEqual(await objections(page), [], `front door ${what}`);
      await page.goto(`${server.base}/pledges/${pledge.id}`);
      await page.getByTestId("pledge-project").waitFor();
      assert.deepEqual(await objections(page), [], `pledge ${what}`);
      await page.goto(`${server.base}/rooms/nowhere`);
      await page.locator(".still").waitFor();
      assert.deepEqual(await objections(page), [], `missing room ${what}`);
      await page.context().close();
    }
  });
});
