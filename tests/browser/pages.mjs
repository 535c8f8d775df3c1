// Browsers that note whatever goes wrong in a page.

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why the browser can't be had, or undefined. */
export function browserMissing() {
  return existsSync(CHROMIUM) ? undefined : `no Chromium at ${CHROMIUM}; CHROMIUM names another`;
}

export function openBrowser() {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** A page of one person, with whatever it complained about in `page.complaints`. `context`: of a person who is there already. */
export async function visit(browser, address, { context: known, ...options } = {}) {
  const context = known ?? (await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN", ...options }));
  // Told by the page itself too: a violation in report-only or in a worker never reaches the console.
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error("CSP", event.violatedDirective, event.blockedURI));
  });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    page.complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.setDefaultTimeout(15_000);
  await page.goto(address);
  return page;
}

/** Waits until `look` gives something true. */
export async function until(look, what, withinMs = 20_000) {
  const endMs = Date.now() + withinMs;
  let last;
  while (Date.now() < endMs) {
    last = await look();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${withinMs} ms for ${what}; last: ${JSON.stringify(last)}`);
}
