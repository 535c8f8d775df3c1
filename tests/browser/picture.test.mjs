// A room's picture: played, lost, found again, and asked for before it is fetched.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { browserMissing, connected, cover, openBrowser, until, visit } from "./pages.mjs";
import { Server, WALNUT } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const STREAM = "https://stream.example/orchard.m3u8";
const DESK = { viewport: { width: 1280, height: 800 } };

const picture = (page, state) => page.locator(`[data-testid="picture"][data-picture="${state}"]`).waitFor({ state: "attached" });

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

describe("a room's picture", { skip: missing }, () => {
  const token = {};
  let browser;
  let server;
  let pledge;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    Object.assign(token, await server.tokens("host:lin:老林"));
    await server.call("POST", "/v1/products", token.lin, WALNUT);
    pledge = await server.pledge(token.lin, { cap: { minor: "100000", currency: "CNY" } });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const room = (id, { sale = true, ...more } = {}) => server.live(token.lin, id, { sale: sale && { pledgeId: pledge.id, ...sale }, ...more });

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
