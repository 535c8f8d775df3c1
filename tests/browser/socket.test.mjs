// The browser's own WebSocket, without our pages: what any page of this origin can do with three lines of JSON.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { browserMissing, openBrowser } from "./pages.mjs";
import { Server } from "./server.mjs";

const missing = browserMissing();
if (missing !== undefined && process.env.CI === "true") throw new Error(missing);

const ROOM = "hillside";

describe("a page's own WebSocket", { skip: missing }, () => {
  let browser;
  let server;
  let page;
  let host;
  let viewer;
  before(async () => {
    [browser, server] = await Promise.all([openBrowser(), Server.start()]);
    [host, viewer] = await Promise.all([server.token("host", "lin", "老林"), server.token("viewer", "mei", "小梅")]);
    await server.call("POST", "/v1/rooms", host, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
    await server.call("POST", `/v1/rooms/${ROOM}/state`, host, { state: "ROOM_STATE_LIVE" });
    page = await browser.newPage();
    // A page of this origin in which nothing of ours runs.
    await page.goto(`${server.base}/healthz`);
    await page.evaluate(inPage);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const run = (told) => page.evaluate((told) => globalThis.takePart(told), { room: ROOM, ...told });
  const post = (text) => server.call("POST", `/v1/rooms/${ROOM}/notices`, host, { text });

  test("a guest watches, a viewer talks, and what was missed comes once", async () => {
    const guest = await run({ lines: [{ id: 2, say: { text: "hello" } }], until: 2 });
    assert.equal(guest.protocol, "apricot.v1.json");
    assert.equal(guest.heard.find(({ joined }) => joined).joined.role, "guest");
    assert.equal(guest.heard.at(-1).reply.problem.type, "token-required");
    assert.deepEqual(guest.close, { code: 1000, wasClean: true });

    const mei = await run({ token: viewer, lines: [{ id: 2, say: { text: "新鲜吗？" } }], until: "新鲜吗？" });
    assert.equal(mei.heard.at(-1).chat.authorId, "mei");
    const { position } = mei.heard.find(({ joined }) => joined).joined;
    assert.deepEqual(mei.close, { code: 1000, wasClean: true });

    await post("missed");
    await post("missed too");
    const again = await run({ token: viewer, position, lines: [{ id: 3, say: { text: "回来了" } }], until: "回来了" });
    assert.equal(again.heard.find(({ joined }) => joined).joined.recovered, true);
    const notices = again.heard.filter(({ notice }) => notice).map(({ notice }) => notice.text);
    assert.deepEqual(notices, ["missed", "missed too"]);
    assert.deepEqual(again.close, { code: 1000, wasClean: true });
  });

  test("agrees on compression when the server does", async (context) => {
    const { extensions } = await run({ lines: [{ id: 2, ping: { clientTimeMs: "1" } }], until: 2 });
    if (extensions === "") return context.skip("the server does not compress");
    assert.match(extensions, /^permessage-deflate/);
  });
});

/** Runs in the page. `until`: the id of a reply, or the text of a line. */
function inPage() {
  globalThis.takePart = ({ room, token, position, lines, until }) =>
    new Promise((resolve, reject) => {
      const heard = [];
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/rooms/${room}/live`, "apricot.v1.json");
      const timer = setTimeout(() => reject(new Error(`waited for ${until}; heard ${JSON.stringify(heard)}`)), 15_000);
      socket.onopen = () => {
        for (const line of [{ id: 1, join: { token, position } }, ...lines]) socket.send(JSON.stringify(line));
      };
      socket.onmessage = ({ data }) => {
        for (const line of data.split("\n").filter(Boolean)) {
          if (socket.readyState !== WebSocket.OPEN) return;
          const publication = JSON.parse(line);
          heard.push(publication);
          if (publication.reply?.id === until || publication.chat?.text === until) socket.close(1000, "bye");
        }
      };
      socket.onclose = ({ code, wasClean }) => {
        clearTimeout(timer);
        resolve({ heard, close: { code, wasClean }, protocol: socket.protocol, extensions: socket.extensions });
      };
    });
}
