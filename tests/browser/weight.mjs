// What the first view of each page weighs, and when it can be used on a slow phone: `node weight.mjs` prints JSON.
//
// Each figure is the median of RUNS visits with an empty cache, over 1.5 Mbit/s with a round trip of 150 ms, on a processor slowed down
// four times. Time is the page's own clock, from the start of the navigation until the frame that shows what makes the page usable: a
// test runner asks for an element twice a second only. Bytes are those on the wire: compressed bodies, headers and the frames of the
// socket, until a second after the page is usable.

import { fileURLToPath } from "node:url";

import { openBrowser } from "./pages.mjs";
import { Server } from "./server.mjs";

const RUNS = Number(process.env.RUNS ?? 3);
const SLOW_NETWORK = { offline: false, downloadThroughput: 1_500_000 / 8, uploadThroughput: 750_000 / 8, latency: 150 };
const SLOWER_CPU = 4;
const USABLE_MAX_MS = 60_000;

/** What a person came for: the viewer can press the button, the host and ops see the numbers of a live connection. */
const PAGES = {
  viewer: { size: { width: 390, height: 844 }, usable: '[data-testid="buy"]:not([disabled]), [data-testid="wait"]:not([disabled])' },
  host: { size: { width: 390, height: 844 }, usable: '[data-testid="connection"][data-state="live"]' },
  ops: { size: { width: 1280, height: 800 }, usable: ".light" },
};

/** Runs in the page, before its own scripts. */
function watch(usable) {
  const watcher = new MutationObserver(() => {
    if (!document.querySelector(usable)) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => (globalThis.usableMs = performance.now())));
  });
  watcher.observe(document, { subtree: true, childList: true, attributes: true });
}

async function visit(browser, address, { size, usable }) {
  const context = await browser.newContext({ viewport: size, locale: "zh-CN" });
  try {
    const page = await context.newPage();
    const tools = await context.newCDPSession(page);
    let bytes = 0;
    const count = (event, size) => tools.on(event, (told) => (bytes += size(told)));
    count("Network.loadingFinished", ({ encodedDataLength }) => encodedDataLength);
    count("Network.webSocketFrameReceived", ({ response }) => frameBytes(response));
    await tools.send("Network.enable");
    await tools.send("Network.setCacheDisabled", { cacheDisabled: true });
    await tools.send("Network.emulateNetworkConditions", SLOW_NETWORK);
    await tools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER_CPU });
    await page.addInitScript(watch, usable);
    await page.goto(address, { waitUntil: "commit", timeout: USABLE_MAX_MS });
    const usableMs = await (await page.waitForFunction(() => globalThis.usableMs, undefined, { timeout: USABLE_MAX_MS })).jsonValue();
    await page.waitForTimeout(1_000);
    return { bytes, usableMs };
  } finally {
    await context.close();
  }
}

/** Binary frames come as base64. */
function frameBytes({ opcode, payloadData }) {
  return opcode === 2 ? Math.floor((payloadData.length * 3) / 4) : Buffer.byteLength(payloadData);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

export async function weigh({ pages = Object.keys(PAGES), runs = RUNS } = {}) {
  const server = await Server.start({ demo: true });
  const browser = await openBrowser();
  try {
    const weights = {};
    for (const who of pages) {
      const visits = [];
      while (visits.length < runs) visits.push(await visit(browser, server.links[who], PAGES[who]));
      weights[who] = {
        compressed_kb: Math.round(median(visits.map(({ bytes }) => bytes)) / 100) / 10,
        usable_ms: Math.round(median(visits.map(({ usableMs }) => usableMs))),
      };
    }
    return weights;
  } finally {
    await browser.close();
    await server.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await weigh()));
