// What anyone can check: receipts in the browser's own verifier, tampered with in each way; the footprint, and the board against the log.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import jsQR from "jsqr";
import { PNG } from "pngjs";

import { browserMissing, closeSheet, connected, objections, openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const hash = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const node = (left, right) => hash(Buffer.of(1), left, right);

/** The root that a leaf and its siblings lead to. */
function climb(leaf, index, size, siblings) {
  let [at, last, found] = [index, size - 1, hash(Buffer.of(0), Buffer.from(leaf))];
  for (const sibling of siblings) {
    if (at % 2 === 1 || at === last) {
      found = node(sibling, found);
      while (at % 2 === 0 && at !== 0) [at, last] = [at >> 1, last >> 1];
    } else {
      found = node(found, sibling);
    }
    [at, last] = [at >> 1, last >> 1];
  }
  return found;
}

/** A checkpoint as the log itself would sign it: `seed` is its secret, `key` its line of /log/keys. */
function checkpoint(seed, key, size, root) {
  const [origin, id] = key.split("+");
  const text = `${origin}\n${size}\n${root.toString("base64")}\n`;
  const secret = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
  const signature = Buffer.concat([Buffer.from(id, "hex"), sign(null, Buffer.from(text), secret)]);
  return `${text}\n— ${origin} ${signature.toString("base64")}\n`;
}

const parts = (proof) => {
  const [head, text, signatures] = proof.split("\n\n");
  const [, index, ...hashes] = head.split("\n");
  const [origin, size, root] = text.split("\n");
  return { index: Number(index.slice("index ".length)), hashes: hashes.map((line) => Buffer.from(line, "base64")), origin, size: Number(size), root, signatures };
};
const proofOf = ({ index, hashes }, note) => ["c2sp.org/tlog-proof@v1", `index ${index}`, ...hashes.map((one) => one.toString("base64")), "", note].join("\n");

const said = async (page, name) => {
  const check = page.getByTestId(`check-${name}`).first();
  await check.waitFor();
  return `${await check.getAttribute("data-outcome")} ${await check.getAttribute("data-code")}`;
};
const standing = (page, ...wanted) =>
  until(async () => wanted.find((one) => one === undefined) ?? wanted[wanted.indexOf(await page.getByTestId("verdict").getAttribute("data-standing"))], `the verdict to be ${wanted.join(" or ")}`);

describe("what anyone can check", { skip: missing }, () => {
  let browser;
  let server;
  /** The buyer's page, its order's receipt as it was downloaded, and the log's key. */
  let mine;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start({ demo: true })]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Opens a file in the verifier. */
  async function check(page, receipt, name = "receipt.json") {
    if (await page.getByTestId("again").isVisible()) await page.getByTestId("again").click();
    const buffer = Buffer.from(typeof receipt === "string" ? receipt : JSON.stringify(receipt));
    await page.getByTestId("file").setInputFiles({ name, mimeType: "application/json", buffer });
    await page.getByTestId("verdict").waitFor();
  }

  /** The verifier with the key that its reader got from elsewhere. */
  async function verifier(options) {
    const page = await visit(browser, `${server.base}/verify`, options);
    await page.getByTestId("own-key").fill(mine.key);
    await page.getByTestId("own-key-keep").click();
    await page.getByTestId("own-key-forget").waitFor();
    return page;
  }

  test("a newcomer buys, finds what it gave, and checks the receipt without believing the site", async () => {
    const page = await visit(browser, server.links.viewer);
    await connected(page);
    await page.getByTestId("buy").first().click();
    await page.getByTestId("ship-name").fill("林小满");
    await page.getByTestId("ship-phone").fill("13800000000");
    await page.getByTestId("ship-address").fill("示例路 1 号");
    await page.getByTestId("pay-approve").click();
    await page.getByTestId("open-receipt").waitFor();
    await closeSheet(page);
    await page.getByRole("button", { name: "我的订单" }).click();
    await page.getByTestId("to-receipts").click();

    const card = page.getByTestId("receipt").first();
    await until(async () => (await card.getAttribute("data-standing")) === "accrued", "the line to be in the log", 60_000);
    const given = Number(await card.getByTestId("gift").getAttribute("data-minor"));
    assert.ok(given > 0);
    await until(async () => Number(await page.getByTestId("sums").getAttribute("data-given")) === given, "the sum of one order");

    const project = await card.getByTestId("gift").locator("a").getAttribute("href");
    assert.match(project, /^\/p\/[a-z0-9-]+$/);
    const named = page.getByTestId("project").locator("a");
    assert.equal(await named.getAttribute("href"), project);
    await until(async () => (await named.textContent()) === "山村小学午餐（示例）", "the project's title instead of its id");
    assert.equal(await card.getByTestId("gift").locator("a").textContent(), "山村小学午餐（示例）");

    const [file] = await Promise.all([page.waitForEvent("download"), card.getByTestId("save-receipt").click()]);
    const text = await readFile(await file.path(), "utf8");
    const receipt = JSON.parse(text);
    assert.equal(file.suggestedFilename(), `${receipt.orderId}.json`);
    const [proof] = await Promise.all([page.waitForEvent("download"), card.getByTestId("save-proof").click()]);
    const proofText = await readFile(await proof.path(), "utf8");
    assert.match(proofText, /^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
    mine = { receipt, text, proof: proofText, key: receipt.keys[0], given };

    // What a phone's camera reads off the screen is the link to the accrual's line, without anything personal.
    await card.getByTestId("code").click();
    const code = card.getByTestId("qr");
    const { data, width, height } = PNG.sync.read(await code.screenshot());
    const link = jsQR(new Uint8ClampedArray(data), width, height)?.data;
    const accrual = receipt.entries.find(({ leaf }) => leaf.includes('"kind":"accrual"'));
    assert.equal(link, `${server.base}/verify#leaf=${accrual.index}&order=${receipt.commitment}`);

    await card.getByTestId("check-now").click();
    await standing(page, "reminder");
    assert.equal(await said(page, "key"), "open keySite", "the site's own key is a reminder only");
    assert.equal(await said(page, "history"), "ok firstSeen");
    await page.getByTestId("own-key").fill(mine.key);
    await page.getByTestId("own-key-keep").click();
    await standing(page, "holds");
    const leads = await page.getByTestId("verdict").locator('a[href^="/p/"]').evaluate(({ href, target }) => [new URL(href).pathname, target]);
    assert.deepEqual(leads, [project, "_blank"], "what is checked is not lost by a look at the project");
    for (const name of ["form", "commitment", "key", "proofs", "leaves", "share", "totals", "refunds"]) assert.match(await said(page, name), /^ok /, name);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("the code of a receipt leads to its line, which the browser proves from the tiles", async () => {
    const page = await verifier();
    const accrual = mine.receipt.entries.find(({ leaf }) => leaf.includes('"kind":"accrual"'));
    const go = async (address) => {
      await page.goto(`${server.base}${address}`);
      await page.getByTestId("verdict").waitFor();
    };
    await go(`/verify#leaf=${accrual.index}&order=${mine.receipt.commitment}`);
    await standing(page, "holds");
    assert.equal(await page.getByTestId("leaf-written").textContent(), accrual.leaf);
    assert.equal(await page.getByTestId("leaf-project").locator("a").getAttribute("href"), `/p/${JSON.parse(accrual.leaf).project}`);
    assert.deepEqual([await said(page, "proofs"), await said(page, "order")], ["ok leafProven", "ok leafOfOrder"]);
    await go(`/verify#leaf=${accrual.index}&order=${"ab".repeat(32)}`);
    await standing(page, "failed");
    assert.equal(await said(page, "order"), "failed leafOfOther");
    await go("/verify#leaf=99999999");
    await standing(page, "missing");
    await check(page, mine.proof, "one.tlog-proof");
    await standing(page, "holds");
    assert.equal(await page.getByTestId("leaf-written").textContent(), accrual.leaf);
    await check(page, mine.proof.replace(/\n(.)(.{43})\n/, (_, first, rest) => `\n${first === "A" ? "B" : "A"}${rest}\n`), "one.tlog-proof");
    assert.equal(await said(page, "proofs"), "failed notIncluded");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a receipt that was tampered with is told, each way by its name", async () => {
    const page = await verifier();
    const copy = () => JSON.parse(mine.text);
    const seeds = (await readdir(join(server.data, "keys"))).filter((name) => /^log-.*\.seed$/.test(name));
    const seed = Buffer.from(await readFile(join(server.data, "keys", seeds[0]), "utf8"), "base64");
    const fails = async (what, receipt, name, code) => {
      await check(page, receipt);
      assert.equal(await said(page, name), `failed ${code}`, what);
      await standing(page, "failed");
    };
    await check(page, mine.text);
    await standing(page, "holds");

    const leaf = copy();
    leaf.entries[1].leaf = leaf.entries[1].leaf.replace(/"county":"[^"]*"/, '"county":"别处"');
    await fails("a leaf was changed", leaf, "proofs", "notIncluded");

    const total = copy();
    total.charity.minor = String(mine.given + 1000);
    await fails("a total was altered", total, "totals", "totalDiffers");

    // Proven by the log itself, but of somebody else.
    const other = await until(async () => {
      for (let index = 0; ; index += 1) {
        const found = await server.call("GET", `/v1/log/leaves/${index}`).catch(() => undefined);
        if (found === undefined) return undefined;
        if (found.leaf.includes('"kind":"accrual"') && !found.leaf.includes(mine.receipt.commitment)) return { index: String(index), ...found };
      }
    }, "another buyer", 60_000);
    const borrowed = copy();
    borrowed.entries = [borrowed.entries[0], other];
    await fails("a proof of another order", borrowed, "leaves", "otherOrder");
    assert.equal(await said(page, "proofs"), "ok proven", "the line itself is in the log");

    const salt = { ...copy(), salt: "00".repeat(32) };
    await fails("another order's number", salt, "commitment", "commitmentOther");

    // A whole receipt of a log that somebody made up under the same name.
    const { privateKey } = generateKeyPairSync("ed25519");
    const forger = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
    const forged = copy();
    for (const entry of forged.entries) {
      const it = parts(entry.proof);
      entry.proof = proofOf(it, checkpoint(forger, `${it.origin}+00000000`, it.size, climb(entry.leaf, it.index, it.size, it.hashes)));
    }
    await fails("a wrong key", forged, "proofs", "notSigned");
    const claimed = copy();
    for (const entry of claimed.entries) {
      const it = parts(entry.proof);
      entry.proof = proofOf(it, checkpoint(forger, mine.key, it.size, Buffer.from(it.root, "base64")));
    }
    await fails("a wrong signature", claimed, "proofs", "wrongSignature");

    // The log itself signs two trees of one size.
    const forked = copy();
    const [, entry] = forked.entries;
    const it = parts(entry.proof);
    it.hashes[0] = hash(Buffer.from("another past"));
    entry.proof = proofOf(it, checkpoint(seed, mine.key, it.size, climb(entry.leaf, it.index, it.size, it.hashes)));
    await fails("a forked tree", forked, "history", "forked");
    assert.equal(await said(page, "proofs"), "ok proven", "each by itself would hold");
    // Alone, it contradicts what this device has seen of the log.
    const alone = copy();
    alone.entries = alone.entries.map((one) => {
      const own = parts(one.proof);
      own.hashes = own.hashes.map((sibling, level) => (level === 0 ? hash(sibling) : sibling));
      return one === alone.entries[1] ? { ...one, proof: proofOf(own, checkpoint(seed, mine.key, own.size, climb(one.leaf, own.index, own.size, own.hashes))) } : one;
    });
    alone.entries = [alone.entries[1]];
    await check(page, alone);
    assert.match(await said(page, "history"), /^failed (?:forked|rewritten)$/);

    await fails("no receipt", "hello", "form", "notJson");
    await fails("far too much", "x".repeat(5_000_000), "form", "tooLong");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a log that goes back or is rewritten is told by the device's own memory", async () => {
    const early = await (await fetch(`${server.base}/log/checkpoint`)).text();
    const size = Number(early.split("\n")[1]);
    const page = await verifier();
    const looks = async (address = "/verify#leaf=0") => {
      await page.goto(`${server.base}/`);
      await page.goto(`${server.base}${address}`);
      await page.getByTestId("verdict").waitFor();
      return said(page, "history");
    };
    await until(async () => Number((await (await fetch(`${server.base}/log/checkpoint`)).text()).split("\n")[1]) > size, "the log to grow", 90_000);
    assert.equal(await looks(), "ok firstSeen");
    assert.match(await looks(), /^ok (?:sameTree|continues)$/);

    let note = early;
    await page.route("**/log/checkpoint", (route) => route.fulfill({ status: 200, contentType: "text/plain; charset=utf-8", body: note }));
    assert.equal(await looks(), "failed wentBack");
    await standing(page, "failed");
    await check(page, mine.text);
    assert.equal(await said(page, "history"), "failed wentBack", "also when a receipt is checked");

    const seeds = (await readdir(join(server.data, "keys"))).filter((name) => /^log-.*\.seed$/.test(name));
    const seed = Buffer.from(await readFile(join(server.data, "keys", seeds[0]), "utf8"), "base64");
    const now = Number((await (await fetch(`${server.base}/log/checkpoint`)).text()).split("\n")[1]);
    note = checkpoint(seed, mine.key, now, hash(Buffer.from("another past")));
    assert.match(await looks(), /^failed (?:forked|rewritten)$/, "signed by the log, and yet another past");
    await page.unroute("**/log/checkpoint");
    assert.match(await looks(), /^ok (?:sameTree|continues)$/, "what contradicts is not remembered");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("without a network a receipt is checked all the same", async () => {
    const page = await verifier();
    await page.context().setOffline(true);
    await check(page, mine.text);
    await standing(page, "holds");
    assert.match(await said(page, "proofs"), /^ok proven/);
    await page.getByTestId("again").click();
    await page.getByTestId("paste").fill(mine.text.replace(mine.receipt.title, "A rose by another name"));
    await page.getByTestId("paste-go").click();
    // The title is nobody's money: no line has it.
    await standing(page, "holds");
    await page.getByTestId("again").click();
    await page.getByTestId("own-key-forget").click();
    await check(page, mine.text);
    await standing(page, "reminder");
    // What the site showed when the page was opened; and what this device saw of that log, since it is one.
    assert.deepEqual([await said(page, "key"), await said(page, "history")], ["open keySite", "ok sameTree"]);
    assert.deepEqual(page.complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text)), []);
    await page.context().close();

    // Where the site's log was never reached, there is only the receipt's own key, and nothing is remembered by it.
    const apart = await visit(browser, `${server.base}/board`);
    await apart.route("**/log/**", (route) => route.abort());
    await apart.goto(`${server.base}/verify`);
    await check(apart, mine.text);
    await standing(apart, "reminder");
    assert.deepEqual([await said(apart, "key"), await said(apart, "history")], ["open keyReceipt", "open notRemembered"]);
    assert.equal(await apart.getByTestId("seen").count(), 0);
    await apart.context().close();
  });

  // What draws every page comes in one file with what reads messages; what verifies is in files of its own.
  test("the verifier is small, and its own scripts know no message of the wire", async () => {
    const scripts = async (address) => {
      const page = await visit(browser, `${server.base}${address}`);
      await page.locator(".paper").first().waitFor();
      const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.endsWith(".js")));
      await page.context().close();
      return Promise.all(names.map(async (name) => ({ name, text: await (await fetch(name)).text() })));
    };
    const [verify, board] = [await scripts("/verify"), await scripts("/board")];
    const own = (scripts, names) => scripts.filter(({ name }) => names.test(name));
    const reads = (scripts) => scripts.map(({ text }) => text.includes("apricot.v1."));
    assert.deepEqual(reads(own(verify, /\/(verify|check)-[^/]*$/)), [false, false]);
    assert.deepEqual(reads(own(board, /\/board-[^/]*$/)), [true], "the board reads messages");
    const bytes = verify.reduce((sum, { text }) => sum + gzipSync(text).length, 0);
    assert.ok(bytes < 60_000, `${bytes} bytes of packed scripts`);
  });

  test("the board says what the log's tallies say, and leads to them", async () => {
    const page = await visit(browser, `${server.base}/board`, { viewport: { width: 1280, height: 800 } });
    const all = page.getByTestId("all");
    await all.waitFor({ timeout: 60_000 });
    const [accrued, reversed, leaf] = await all.evaluate((it) => [it.dataset.accrued, it.dataset.reversed, it.dataset.leaf]);
    const tally = JSON.parse((await server.call("GET", `/v1/log/leaves/${leaf}`)).leaf);
    assert.deepEqual([tally.kind, tally.scope, tally.accrued, tally.reversed], ["tally", "all", Number(accrued), Number(reversed)]);
    for (const [testId, scope] of [["counties", "county"], ["projects", "project"], ["produce", "produce"]]) {
      const rows = await page.getByTestId(testId).locator("tbody tr").evaluateAll((rows) => rows.map((row) => [row.dataset.key, row.dataset.leaf, row.textContent]));
      assert.ok(rows.length > 0, scope);
      for (const [key, at, text] of rows) {
        const stated = JSON.parse((await server.call("GET", `/v1/log/leaves/${at}`)).leaf);
        assert.deepEqual([stated.scope, stated.key], [scope, key]);
        assert.ok(text.includes(((stated.accrued - stated.reversed) / 100).toFixed(2)), `${text} has ${stated.accrued - stated.reversed}`);
      }
    }
    const links = await page.getByTestId("projects").locator("tbody tr").evaluateAll((rows) => rows.map((row) => [row.dataset.key, row.querySelector("th a")?.getAttribute("href")]));
    for (const [key, href] of links) assert.equal(href, `/p/${key}`);
    // Both of the demo's stalls are in Xinjiang.
    assert.equal(await page.locator('[data-province="XJ"]').getAttribute("data-level"), "4");
    await page.locator(".days canvas").waitFor();

    // A row of each table shows its own days, and each of them leads to its tally.
    for (const [testId, scope] of [["counties", "county"], ["projects", "project"], ["produce", "produce"]]) {
      const row = page.getByTestId(testId).locator("tbody tr").first();
      const key = await row.getAttribute("data-key");
      await row.locator("td").first().click({ position: { x: 2, y: 2 } });
      await page.locator(`[data-testid="days-of"][data-key=${JSON.stringify(key)}]`).waitFor();
      assert.equal(await row.getAttribute("data-shown"), "true");
      const days = (await server.call("GET", `/v1/board/days?scope=${scope}&key=${encodeURIComponent(key)}`)).days;
      await page.locator(".days canvas").waitFor();
      const links = page.locator(".days .chart-table td a.to-leaf");
      await until(async () => (await links.count()) === 2 * days.length, `${scope} to have its days`);
      for (const at of await links.evaluateAll((all) => all.map(({ dataset }) => dataset.leaf))) {
        const stated = JSON.parse((await server.call("GET", `/v1/log/leaves/${at}`)).leaf);
        assert.deepEqual([stated.kind, stated.scope, stated.key], ["tally", scope, key]);
      }
    }
    const project = page.getByTestId("projects").locator("tbody th a").first();
    const id = await page.getByTestId("projects").locator("tbody tr").first().getAttribute("data-key");
    assert.equal(await project.getAttribute("href"), `/p/${id}`);
    assert.equal(await project.textContent(), (await server.call("GET", `/v1/projects/${id}`)).project.project.title);
    await page.getByTestId("days-of-all").click();
    await page.locator('[data-testid="days-of"][data-key=""]').waitFor();
    // The map leads to the rows: a tile by its list, a circle at once.
    const places = await page.getByTestId("counties").locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.dataset.key));
    assert.equal(await page.getByTestId("map").locator("circle").count(), places.length, "a circle for each place");
    await page.locator('[data-province="XJ"] a').click();
    await page.getByTestId("map-places").locator("a").first().click();
    assert.ok(places.includes(await page.getByTestId("days-of").getAttribute("data-key")));
    const circle = page.getByTestId("map").locator("circle").last();
    await circle.click();
    await page.locator(`[data-testid="days-of"][data-key=${JSON.stringify(await circle.getAttribute("data-place"))}]`).waitFor();
    assert.deepEqual(await objections(page), []);

    // An answer of a shorter log that comes late changes nothing.
    const size = async () => Number(await page.getByTestId("board").getAttribute("data-size"));
    const known = await size();
    let asked = 0;
    await page.route("**/v1/board", (route) => {
      asked += 1;
      return route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify({ logSize: "1" }) });
    });
    await until(() => asked > 0, "the next look");
    await page.waitForTimeout(300);
    assert.ok((await size()) >= known);
    await page.unroute("**/v1/board");

    await all.locator(".to-leaf").first().click();
    await page.locator('[data-testid="leaf"][data-kind="tally"]').waitFor();
    await standing(page, "reminder");
    assert.equal(await said(page, "proofs"), "ok leafProven");
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("a stranger is asked in, and comes in by a link", async () => {
    const page = await visit(browser, `${server.base}/receipts`);
    await page.getByTestId("sign-in").waitFor();
    await page.locator("#sign-in-link").fill(server.links.viewer);
    await page.locator(".sign-in-paste button").click();
    await page.getByTestId("receipt").first().waitFor();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

  test("axe has nothing against the three pages, by day and by night, small and large, in both languages", async () => {
    const [, token] = server.links.viewer.split("#");
    for (const [colorScheme, locale, viewport] of [
      ["light", "zh-CN", { width: 390, height: 844 }],
      ["dark", "en-GB", { width: 390, height: 844 }],
      ["light", "en-GB", { width: 1280, height: 800 }],
      ["dark", "zh-CN", { width: 1280, height: 800 }],
    ]) {
      const what = `${colorScheme} ${locale} ${viewport.width}`;
      const page = await visit(browser, `${server.base}/receipts#${token}`, { colorScheme, locale, viewport });
      await page.getByTestId("gift").first().waitFor();
      await page.getByTestId("code").first().click();
      await page.getByTestId("qr").first().waitFor();
      assert.deepEqual(await objections(page), [], `receipts ${what}`);
      await page.getByTestId("check-now").first().click();
      await page.getByTestId("check-refunds").waitFor();
      assert.deepEqual(await objections(page), [], `a receipt that holds ${what}`);
      await check(page, mine.text.replace(`"minor":"${mine.given}"`, '"minor":"1"').replace(`"minor": "${mine.given}"`, '"minor": "1"'));
      await standing(page, "failed");
      assert.deepEqual(await objections(page), [], `a receipt that does not ${what}`);
      await page.getByTestId("again").click();
      assert.deepEqual(await objections(page), [], `the empty verifier ${what}`);
      await page.goto(`${server.base}/board`);
      await page.locator(".days canvas").waitFor();
      assert.deepEqual(await objections(page), [], `board ${what}`);
      for (const address of ["/board", "/verify", "/receipts"]) {
        await page.goto(`${server.base}${address}`);
        await page.locator(".paper").first().waitFor();
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${address} fits ${what}`);
      }
      assert.deepEqual(page.complaints, [], what);
      await page.context().close();
    }
  });

  test("on paper there are receipts and numbers, and no buttons", async () => {
    const [, token] = server.links.viewer.split("#");
    const page = await visit(browser, `${server.base}/receipts#${token}`);
    await page.evaluate(() => {
      globalThis.printed = 0;
      globalThis.print = () => (globalThis.printed += 1);
    });
    await page.getByTestId("gift").first().waitFor();
    await page.getByTestId("print").click();
    await until(() => page.evaluate(() => globalThis.printed === 1), "the printer to be asked");
    await page.emulateMedia({ media: "print" });
    await page.getByTestId("qr").first().waitFor();
    assert.deepEqual(await page.locator("button:visible, nav:visible").count(), 0);
    await page.goto(`${server.base}/board`);
    await page.getByTestId("all").waitFor();
    assert.deepEqual(await page.locator("button:visible, nav:visible").count(), 0);
    await page.context().close();
  });
});
