// An hour's chat in the real page: `node long.mjs [lines a second] [CPU slowdown] [viewer or host]` prints heap and frames as JSON.
// A real server holds the room; what it would say in an hour is put on its socket, in its own encoding, as fast as wanted.

import { fileURLToPath } from "node:url";

import { openBrowser, until } from "./pages.mjs";
import { Server } from "./server.mjs";

const ROOM = "long";
const EARLY = 2_000;
const ALL = 10_000;
/** A flush of the server carries what came within 50 ms. */
const FLUSH_MS = 50;

/** Where the chat is read: by somebody on a phone, and at the host's desk. */
const PAGES = {
  viewer: { path: () => `/rooms/${ROOM}`, viewport: { width: 390, height: 844 } },
  host: { path: (token) => `/host#room=${ROOM}&view=chat&token=${token}`, viewport: { width: 1280, height: 900 } },
};

export async function measureLongStream({ perSecond = 200, slowdown = 1, who = "viewer" } = {}) {
  const server = await Server.start();
  const browser = await openBrowser();
  try {
    const host = await server.token("host", "lin", "老林");
    await server.call("POST", "/v1/rooms", host, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
    await server.call("POST", `/v1/rooms/${ROOM}/state`, host, { state: "ROOM_STATE_LIVE" });
    const { path, viewport } = PAGES[who];
    const page = await browser.newPage({ viewport, locale: "zh-CN" });
    let socket;
    await page.routeWebSocket(/\/live$/, (route) => {
      const upstream = route.connectToServer();
      socket = route;
      route.onMessage((message) => upstream.send(message));
      upstream.onMessage((message) => route.send(message));
    });
    await page.goto(server.base + path(host));
    await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ state: "attached" });
    const session = await page.context().newCDPSession(page);
    if (slowdown > 1) await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });

    let said = 0;
    /** Puts lines on the socket until there were `upTo`, and tells how smooth the page was meanwhile. */
    const feed = async (upTo) => {
      await page.evaluate(startWatch);
      const [from, startMs] = [said, Date.now()];
      while (said < upTo) {
        const due = Math.min(upTo, from + Math.floor(((Date.now() - startMs) / 1000) * perSecond));
        if (due > said) {
          const lines = [];
          for (; said < due; said += 1) lines.push(publication(said));
          socket.send(Buffer.concat(lines));
        }
        await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      }
      await until(() => page.locator(`[data-line="line-${upTo - 1}"]`).count(), `line ${upTo}`, 60_000);
      return page.evaluate(() => globalThis.stopWatch());
    };
    const weigh = async () => {
      let nodes;
      // What the last drawing let go of is found a while later, on a busy machine.
      for (let before = Number.POSITIVE_INFINITY; ; before = nodes) {
        await page.waitForTimeout(500);
        await session.send("HeapProfiler.collectGarbage");
        ({ nodes } = await session.send("Memory.getDOMCounters"));
        if (nodes >= before) break;
      }
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      return { heap_kb: Math.round(usedSize / 1000), dom_nodes: nodes, lines_shown: await page.getByTestId("chat-line").count() };
    };

    // In time of the processor, which other programs don't lengthen.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const busySeconds = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;

    await feed(EARLY);
    const early = await weigh();
    const [busyBefore, startMs] = [await busySeconds(), Date.now()];
    const smooth = await feed(ALL);
    const busy_percent = Math.round(((await busySeconds()) - busyBefore) * 100_000 / (Date.now() - startMs));
    const late = await weigh();
    return { who, lines_per_second: perSecond, slowdown, [EARLY]: early, [ALL]: late, grown_kb: late.heap_kb - early.heap_kb, busy_percent, ...smooth };
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** In the page: counts frames, and tasks that are long enough to be felt. */
function startWatch() {
  let frames = 0;
  let longest = 0;
  let running = true;
  const startMs = performance.now();
  const count = (nowMs) => {
    longest = Math.max(longest, nowMs - (count.lastMs ?? nowMs));
    count.lastMs = nowMs;
    frames += 1;
    if (running) requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  globalThis.stopWatch = () => {
    running = false;
    return { frames_per_second: Math.round((frames * 1000) / (performance.now() - startMs)), longest_frame_ms: Math.round(longest) };
  };
}

// A Batch with one Publication { lane = 1, at_ms = 3, chat = 40 }, as proto/apricot/v1/live.proto has it.

const TEXTS = ["新鲜吗？", "能送到广州吗", "walnuts look great today", "🍑🍑🍑 已下单，等收货～", "去年买过，皮薄肉厚，孩子们都爱吃，今年再来两箱"];

function publication(n) {
  const atMs = Date.now();
  const line = Buffer.concat([
    text(1, `line-${n}`),
    text(2, `viewer-${n % 500}`),
    text(3, `小梅 ${n % 500}`),
    text(4, "viewer"),
    text(5, `${TEXTS[n % TEXTS.length]} ${n}`),
    number(6, atMs),
  ]);
  return field(1, Buffer.concat([number(1, 4), number(3, atMs), field(40, line)]));
}

const varint = (value) => {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
};
const number = (at, value) => Buffer.concat([varint(at << 3), varint(value)]);
const field = (at, bytes) => Buffer.concat([varint((at << 3) | 2), varint(bytes.length), bytes]);
const text = (at, value) => field(at, Buffer.from(value));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [perSecond, slowdown] = process.argv.slice(2, 4).map(Number);
  console.log(JSON.stringify(await measureLongStream({ perSecond, slowdown, who: process.argv[4] }), undefined, 2));
}
