import { expect, test } from "vitest";

import { base64Of, concat, fromBase64, utf8, type Bytes } from "./bytes";
import { compare } from "./history";
import { forget, remember, seenOf } from "./seen";
import { Tiles, readCheckpoint, tileName, type Fetch } from "./site";
import { TestLog, hashesOf } from "./testlog";
import { included, inclusionProof } from "./tree";

/** The files of a log under /log/, by docs/log.md. */
function filesOf(leaves: readonly string[], checkpoint = ""): Fetch {
  const hashAt = hashesOf(leaves);
  return async (path) => {
    if (path === "/log/checkpoint") return utf8(checkpoint);
    const [, level = "", name = "", width] = /^\/log\/tile\/(\w+)\/([x\d/]+?)(?:\.p\/(\d+))?$/.exec(path) ?? [];
    const first = Number(name.replace(/[x/]/g, "")) * 256;
    const count = width === undefined ? 256 : Number(width);
    const here = level === "entries" ? leaves.length : Math.floor(leaves.length / 256 ** Number(level));
    if (first + count > here) return undefined;
    const all = Array.from({ length: count }, (_, at) => first + at);
    if (level !== "entries") return concat(...(await Promise.all(all.map((at) => hashAt(8 * Number(level), at)))));
    return concat(...all.map((at) => utf8(leaves[at] ?? "")).flatMap((entry): Bytes[] => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]));
  };
}

async function grown(size: number): Promise<TestLog> {
  const log = await TestLog.open();
  log.leaves.push(...Array.from({ length: size }, (_, at) => `leaf ${at}`));
  return log;
}

test.each([
  [0, "000"],
  [67, "067"],
  [1_000, "x001/000"],
  [1_234_067, "x001/x234/067"],
])("tile %i is called %s", (index, name) => expect(tileName(index)).toBe(name));

test("leaves are read and proven from tiles alone", async () => {
  const log = await grown(600);
  const { root } = await log.tree();
  const tiles = new Tiles(600, filesOf(log.leaves));
  for (const index of [0, 255, 256, 511, 512, 599]) {
    expect(await tiles.entry(index)).toBe(`leaf ${index}`);
    const proof = await inclusionProof(index, 600, tiles.hashAt);
    expect(await included(index, 600, await tiles.hashAt(0, index), proof, root)).toBe("holds");
  }
  expect(await tiles.entry(600)).toBeUndefined();
});

test("a partial tile that the full one has replaced is still found", async () => {
  const log = await grown(600);
  const full: Fetch = async (path, max) => (path.includes(".p/") ? undefined : filesOf(log.leaves)(path, max));
  expect(await new Tiles(200, full).entry(199)).toBe("leaf 199");
});

test("what was seen, a receipt's tree and the site's newest are one history", async () => {
  const log = await grown(600);
  const [old, middle, now] = await Promise.all([3, 300, 600].map((size) => log.tree(size)));
  if (old === undefined || middle === undefined || now === undefined) throw new Error("three trees");
  const { check, newest } = await compare({ ...old, atMs: 5 }, [middle], now, filesOf(log.leaves));
  expect(check).toMatchObject({ outcome: "ok", finding: { code: "continues", seen: 3, now: 600, sinceMs: 5 } });
  expect(newest?.size).toBe(600);
  expect((await compare(undefined, [], now, filesOf(log.leaves))).check.finding).toEqual({ code: "firstSeen", size: 600 });
});

test("a log that went back, was forked or rewritten is told, and not remembered", async () => {
  const log = await grown(600);
  const other = await grown(600);
  other.leaves[1] = "another";
  const [seen, now] = await Promise.all([log.tree(300), other.tree(600)]);
  const at = { ...seen, atMs: 5 };
  const told = async (...args: Parameters<typeof compare>) => {
    const { check, newest } = await compare(...args);
    expect(newest).toBeUndefined();
    return `${check.outcome} ${check.finding.code}`;
  };
  expect(await told(at, [], now, filesOf(other.leaves))).toBe("failed rewritten");
  // Its tiles do not help when they are of the old tree.
  expect(await told(at, [], now, filesOf(log.leaves))).toBe("failed rewritten");
  expect(await told(at, [], await other.tree(300), filesOf(other.leaves))).toBe("failed forked");
  expect(await told(at, [], await log.tree(299), filesOf(log.leaves))).toBe("failed wentBack");
  expect(await told(undefined, [seen], await log.tree(299), filesOf(log.leaves))).toBe("failed wentBack");
  expect(await told(at, [await other.tree(300)], undefined, undefined)).toBe("failed forked");
  expect(await told(at, [await other.tree(200)], await log.tree(600), filesOf(log.leaves))).toBe("failed rewritten");
});

test("without the site, trees of two sizes stay uncompared", async () => {
  const log = await grown(10);
  const { check } = await compare({ ...(await log.tree(4)), atMs: 5 }, [await log.tree(10)], undefined, undefined);
  expect(check).toMatchObject({ outcome: "open", finding: { code: "notCompared", seen: 4, now: 10 } });
  expect((await compare({ ...(await log.tree(4)), atMs: 5 }, [await log.tree(4)], undefined, undefined)).check.finding.code).toBe("sameTree");
});

test("a site that answers nonsense is no site", async () => {
  await expect(readCheckpoint(async () => utf8("hello"))).rejects.toMatchObject({ finding: { code: "checkpointForm" } });
  await expect(readCheckpoint(async () => undefined)).rejects.toMatchObject({ finding: { code: "siteUnread" } });
  const log = await grown(600);
  const short: Fetch = async (path, max) => (await filesOf(log.leaves)(path, max))?.slice(0, 40);
  await expect(new Tiles(600, short).hashAt(0, 3)).rejects.toMatchObject({ finding: { code: "siteUnread" } });
  await expect(new Tiles(600, short).entry(200)).rejects.toMatchObject({ finding: { code: "siteUnread" } });
  const parsed = await readCheckpoint(filesOf(log.leaves, await log.checkpoint()));
  expect([parsed.size, base64Of(parsed.root)]).toEqual([600, base64Of((await log.tree()).root)]);
});

test("what was seen is remembered for each log", async () => {
  const log = await grown(2);
  expect(seenOf("a")).toBeUndefined();
  remember("a", await log.tree(1), 7);
  remember("b", await log.tree(2), 8);
  expect(seenOf("a")).toEqual({ ...(await log.tree(1)), atMs: 7 });
  forget("a");
  expect([seenOf("a"), seenOf("b")?.size, seenOf("__proto__")]).toEqual([undefined, 2, undefined]);
  expect(fromBase64("AA=")).toBeUndefined();
});
