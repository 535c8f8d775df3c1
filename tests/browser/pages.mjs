// Browsers that note whatever goes wrong in a page.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

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

export const connected = (page) => page.locator('[data-testid="connection"][data-state="live"]').waitFor({ state: "attached" });

export const closeSheet = (page) => page.locator(".sheet-close").click();

export async function fillShipping(page) {
  await page.getByTestId("ship-name").fill("林小满");
  await page.getByTestId("ship-phone").fill("13800000000");
  await page.getByTestId("ship-address").fill("示例路 1 号");
}

/** As another page in front of it would: there is no way to cover a page from outside. */
export async function cover(page, covered) {
  await page.evaluate((covered) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => covered });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (covered ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, covered);
}

/** Why somebody can't press a thing as the page stands, or undefined. */
export function unreachable(thing) {
  return thing.evaluate((element) => {
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0) return "it is not drawn";
    if (left < 0 || top < 0 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5) return `it is at ${left} to ${right}, ${top} to ${bottom} of ${innerWidth} x ${innerHeight}`;
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    return element.contains(there) ? undefined : `${there?.className ?? "nothing"} lies over it`;
  });
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe objects to on the page as it stands, each in one line. */
export async function objections(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(await readFile(axe, "utf8"));
  return page.evaluate(async () => {
    const settled = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(settled.map((one) => one.finished));
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`));
  });
}

/** What a thumb would miss: whatever can be pressed and is less than 44 px high, with the label that is pressed in its place. */
export function tooSmall(page) {
  return page.evaluate((least) => {
    const wrong = [];
    for (const thing of document.querySelectorAll("button, a[class], input, select, textarea, summary")) {
      const shown = thing.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && thing.closest(".unseen, .skip, [inert]") === null;
      if (!shown || thing.type === "hidden" || thing.type === "file") continue;
      const heights = [thing, ...(thing.labels ?? [])].map((one) => one.getBoundingClientRect().height);
      if (Math.max(...heights) < least - 0.5) wrong.push(`${thing.tagName.toLowerCase()}.${thing.className} "${thing.textContent.trim().slice(0, 20)}" is ${Math.round(Math.max(...heights))} px high`);
    }
    return wrong;
  }, 44);
}

/** Notes each value that an attribute of the page has from now on; `noted` gives them, the first one first. */
export async function note(page, testId, attribute) {
  const name = `${testId}/${attribute}`;
  await page.evaluate(
    ([testId, attribute, name]) => {
      const values = ((globalThis.notes ??= {})[name] = []);
      const look = () => {
        const value = document.querySelector(`[data-testid="${testId}"]`)?.getAttribute(attribute) ?? undefined;
        if (value !== undefined && value !== values.at(-1)) values.push(value);
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: [attribute] });
      look();
    },
    [testId, attribute, name],
  );
  return { noted: () => page.evaluate((name) => globalThis.notes[name], name) };
}

/** Somebody whose device's clock is off by so much. */
export async function withClock(browser, byMs, options) {
  const context = await browser.newContext(options);
  await context.addInitScript((byMs) => {
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) {
        super(...(given.length === 0 ? [Right.now() + byMs] : given));
      }
      static now() {
        return Right.now() + byMs;
      }
    };
  }, byMs);
  return context;
}

/** How the page of ops says that things stand: one of these. */
export const standing = (page, ...of) => page.locator(of.map((one) => `[data-testid="status"][data-standing="${one}"]`).join(", ")).waitFor({ timeout: 30_000 });

/** Fills the dialog of ops in and sends it, and sees the line of the audit trail that the page then shows. */
export async function confirm(page, reason, typed) {
  const dialog = page.getByTestId("confirm");
  await dialog.waitFor();
  assert.equal(await dialog.getByTestId("confirm-yes").isDisabled(), true, "nothing is done without a reason");
  await dialog.getByTestId("reason").fill(reason);
  if (typed !== undefined) {
    assert.equal(await dialog.getByTestId("confirm-yes").isDisabled(), true, "the name has to be typed");
    await dialog.getByTestId("typed").fill(typed);
  }
  await dialog.getByTestId("confirm-yes").click();
  await page.locator('[data-testid="left-line"][data-shown="true"]').filter({ hasText: reason }).waitFor();
}

/** Which of these, each there at least once, are written in figures that change their width while they count. */
export function jumpingFigures(page, ...selectors) {
  return page.evaluate((selectors) => {
    const width = (place, digits) => {
      const text = document.createElement("span");
      text.style.cssText = "position: absolute; white-space: pre";
      text.textContent = digits;
      place.append(text);
      const { width } = text.getBoundingClientRect();
      text.remove();
      return width;
    };
    return selectors.flatMap((selector) => {
      const place = document.querySelector(selector);
      if (place === null) return [`no ${selector}`];
      const [narrow, wide] = [width(place, "11111"), width(place, "00000")];
      const says = getComputedStyle(place).fontVariantNumeric;
      return says.includes("tabular-nums") && narrow > 0 && Math.abs(narrow - wide) < 0.1 ? [] : [`${selector}: ${says}, ${narrow} and ${wide} px`];
    });
  }, selectors);
}

/** Words that break a page which does not expect them: they push, turn, cover or end what stands around them. */
export const HOSTILE = {
  "long-emoji": { title: "👨‍👩‍👧‍👦".repeat(11), hostName: "🍑".repeat(30), place: "﷽".repeat(20) },
  "right-to-left": { title: "\u202eمن البستان‏ <script>alert(1)</script>", hostName: "\u202e\u2067نخل", place: "\u202d\u2066漾濞" },
  towers: { title: `${`Z${"\u0336\u0322\u0348".repeat(4)}`.repeat(5)}`, hostName: "\u200b\u200d\ufeff a", place: "W".repeat(40) },
};

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
