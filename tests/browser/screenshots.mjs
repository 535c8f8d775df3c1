// Draws docs/pages anew: `node screenshots.mjs [folder]`. A demo server of its own lives for some seconds first.

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openBrowser, until, visit } from "./pages.mjs";
import { Server } from "./server.mjs";

const FOLDER = process.argv[2] ?? fileURLToPath(new URL("../../docs/pages", import.meta.url));
/** The front page of the repository shows them: it must stay quick to open. */
const BYTES_MAX = 350_000;

const SIZES = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
};
/** The order in the file names; people of both languages look at them. */
const LANGUAGES = { phone: "zh-CN", desktop: "en-GB" };

const lively = {
  viewer: async (page) => {
    await page.getByTestId("buy").first().waitFor();
    await until(async () => Number(await page.getByTestId("charity-accrued").getAttribute("data-minor")) > 1_000, "the charity counter", 120_000);
    await until(async () => (await page.getByTestId("chat-line").count()) >= 6, "some chat", 60_000);
  },
  host: async (page) => {
    await page.getByTestId("sale-close").first().waitFor();
    await until(async () => (await page.getByTestId("chat-line").count()) >= 6, "some chat", 60_000);
    await until(async () => Number(await page.getByTestId("to-pack").textContent()) > 3, "parcels to pack", 120_000);
  },
  ops: async (page) => {
    await page.locator('[data-testid="status"][data-standing="good"]').waitFor({ timeout: 60_000 });
    await page.locator('.light.large[data-good="true"]').nth(1).waitFor({ timeout: 60_000 });
    await until(async () => (await page.getByTestId("tile-delay").textContent()) !== "–", "a delivery", 60_000);
  },
};

/** The pages for everyone, as a buyer sees them. */
const checked = {
  projects: async (page) => {
    await page.goto(new URL("/projects", page.url()).href);
    await page.getByTestId("found").first().waitFor();
  },
  project: async (page) => {
    await page.goto(new URL(page.project, page.url()).href);
    await page.getByTestId("project-title").waitFor();
    await until(async () => Number(await page.getByTestId("project-accrued").getAttribute("data-minor")) > 0, "some giving", 60_000);
    // It is fetched once it comes near the window.
    await page.getByTestId("code").scrollIntoViewIfNeeded();
    await page.getByTestId("code").evaluate((code) => code.decode());
    await page.evaluate(() => scrollTo(0, 0));
  },
  receipts: async (page) => {
    await page.goto(new URL("/receipts", page.url()).href);
    await page.getByTestId("gift").first().waitFor({ timeout: 60_000 });
    await page.getByTestId("code").first().click();
    await page.getByTestId("qr").waitFor();
    await page.evaluate(() => scrollTo(0, 0));
  },
  verify: async (page) => {
    await page.getByTestId("check-now").first().click();
    await page.getByTestId("check-history").waitFor();
    // Had from somewhere else, for once: then all of it holds.
    await page.getByTestId("own-key").fill(await page.getByTestId("site-key").textContent());
    await page.getByTestId("own-key-keep").click();
    await page.locator('[data-testid="verdict"][data-standing="holds"]').waitFor();
    await page.getByTestId("check-history").waitFor();
    await page.evaluate(() => scrollTo(0, 0));
  },
  board: async (page) => {
    await page.goto(new URL("/board", page.url()).href);
    await page.getByTestId("all").waitFor({ timeout: 120_000 });
    await until(async () => Number(await page.getByTestId("all").getAttribute("data-accrued")) > 2_000, "some giving", 120_000);
    await page.locator(".days canvas").waitFor();
  },
};

/** What ops see of the money that goes to charities. */
async function remittances(page) {
  await page.getByTestId("view-remittances").click();
  // The first parcels arrive after a minute.
  await page.getByTestId("owed").waitFor({ timeout: 150_000 });
}

async function buy(page) {
  page.project = await page.locator(".label a").first().getAttribute("href");
  await page.getByTestId("buy").first().click();
  await page.getByTestId("ship-name").fill("林小满");
  await page.getByTestId("ship-phone").fill("13800000000");
  await page.getByTestId("ship-address").fill("示例路 1 号");
  await page.getByTestId("pay-approve").click();
  await page.getByTestId("open-receipt").waitFor();
}

async function shoot(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(1_000);
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path });
  if (page.complaints.length > 0) throw new Error(`${name}: ${page.complaints.join("; ")}`);
  const { size: bytes } = await stat(path);
  console.log(`${path} ${Math.round(bytes / 1000)} kB`);
  if (bytes > BYTES_MAX) throw new Error(`${path} has ${bytes} bytes, at most ${BYTES_MAX} are wanted`);
}

/** `ONLY=board` draws those pages alone. */
const isWanted = (name) => process.env.ONLY === undefined || process.env.ONLY.split(",").includes(name);

await mkdir(FOLDER, { recursive: true });
const server = await Server.start({ demo: true });
const browser = await openBrowser();
try {
  for (const who of ["viewer", "host", "ops"].filter(isWanted)) {
    for (const [size, options] of Object.entries(SIZES)) {
      // The demo has a room for each language.
      const link = LANGUAGES[size].startsWith("en") ? (server.links[`${who}-en`] ?? server.links[who]) : server.links[who];
      const page = await visit(browser, link, { ...options, locale: LANGUAGES[size] });
      await lively[who](page);
      await shoot(page, `${who}-${size}`);
      if (who === "ops") {
        await remittances(page);
        await shoot(page, `remittances-${size}`);
        await page.getByTestId("view-pools").click();
        await page.getByTestId("pool").first().waitFor();
        await shoot(page, `pools-${size}`);
      }
      await page.context().close();
    }
  }
  for (const [size, options] of Object.entries(SIZES)) {
    if (!Object.keys(checked).some(isWanted)) break;
    const link = LANGUAGES[size].startsWith("en") ? server.links["viewer-en"] : server.links.viewer;
    const page = await visit(browser, link, { ...options, locale: LANGUAGES[size] });
    await buy(page);
    for (const [name, open] of Object.entries(checked)) {
      await open(page);
      if (isWanted(name)) await shoot(page, `${name}-${size}`);
    }
    await page.context().close();
  }
} finally {
  await browser.close();
  await server.stop();
}
