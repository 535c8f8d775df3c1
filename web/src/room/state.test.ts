import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import { CharityTotalSchema, PledgeEnd } from "../gen/apricot/v1/charity_pb";
import { Lane } from "../gen/apricot/v1/common_pb";
import { JoinedSchema, PublicationSchema } from "../gen/apricot/v1/live_pb";
import { FlashSaleSchema, OrderSchema, OrderState, SaleState } from "../gen/apricot/v1/sale_pb";
import { create } from "../wire/messages";
import {
  EMPTY_ROOM,
  LINES_MAX,
  TOMBSTONES_MAX,
  hear,
  openOrderOf,
  readSales,
  saleFace,
  salesToShow,
  type RoomView,
} from "./state";

type Said = MessageInitShape<typeof PublicationSchema>;
type Body = Said["body"];

const NOW = 1_790_000_000_000;

function play(view: RoomView, ...said: Said[]): RoomView {
  return said.reduce<RoomView>((seen, one) => hear(seen, create(PublicationSchema, one), NOW), view);
}

const critical = (offset: number, body: Body): Said => ({ lane: Lane.CRITICAL, offset: BigInt(offset), atMs: BigInt(NOW), body });
const state = (value: Extract<Body, { case: "state" }>["value"]): Said => ({ lane: Lane.STATE, body: { case: "state", value } });
const chat = (id: string, atMs = NOW): Said => ({
  lane: Lane.CHAT,
  body: { case: "chat", value: { id, text: `line ${id}`, authorName: "林", atMs: BigInt(atMs) } },
});
const deleted = (offset: number, lineId: string): Said => critical(offset, { case: "lineDeleted", value: { lineId } });
const sale = (offset: number, saleState: SaleState, left: number, version = 1, atMs = NOW): Said => ({
  ...critical(offset, { case: "sale", value: { id: "s", state: saleState, stock: 10, left, sold: 0, version: BigInt(version) } }),
  atMs: BigInt(atMs),
});
const room = (offset: number, version: number, title: string): Said =>
  critical(offset, { case: "room", value: { id: "r", title, version: BigInt(version) } });
const joined = (epoch: number, offset: number, more: Omit<MessageInitShape<typeof JoinedSchema>, "$typeName"> = {}): Said => ({
  lane: Lane.DIRECT,
  body: { case: "joined", value: { position: { epoch: BigInt(epoch), offset: BigInt(offset) }, ...more } },
});
const total = (epoch: number, sequence: number, minor: number, ended = PledgeEnd.UNSPECIFIED): Said =>
  state({ charity: [{ pledgeId: "p", epoch: BigInt(epoch), sequence: BigInt(sequence), grossAccruedMinor: BigInt(minor), ended }] });
const order = (orderState: OrderState, version: number): Said => ({
  lane: Lane.DIRECT,
  body: { case: "order", value: { id: "o", saleId: "s", state: orderState, version: BigInt(version) } },
});

const accrued = (view: RoomView): bigint | undefined => view.charity.get("p")?.grossAccruedMinor;
const talked = (view: RoomView): string[] => view.talk.map((talk) => talk.key);
const face = (view: RoomView): string | undefined => {
  const known = view.sales.get("s");
  return known && saleFace(known, view.stocks.get("s"), NOW);
};

describe("the charity total", () => {
  test.each([
    ["an older sequence", [total(1, 5, 500), total(1, 4, 400)], 500n],
    ["the same sequence with another amount", [total(1, 5, 500), total(1, 5, 9900)], 500n],
    ["an older epoch with a higher sequence", [total(2, 1, 700), total(1, 99, 100)], 700n],
    ["a newer epoch with a lower sequence", [total(1, 99, 100), total(2, 1, 700)], 700n],
    ["no charity in a later frame", [total(1, 5, 500), state({})], 500n],
  ])("%s", (_name, said, expected) => {
    expect(accrued(play(EMPTY_ROOM, ...said))).toBe(expected);
  });

  test.each([
    ["the period ends without a transfer", [total(1, 5, 500), total(1, 5, 500, PledgeEnd.PERIOD_OVER)], PledgeEnd.PERIOD_OVER, 500n],
    ["the cap is raised", [total(1, 5, 500, PledgeEnd.CAP_REACHED), total(1, 5, 500)], PledgeEnd.UNSPECIFIED, 500n],
    ["an equal sequence says only that", [total(1, 5, 500), total(1, 5, 9900, PledgeEnd.PERIOD_OVER)], PledgeEnd.PERIOD_OVER, 500n],
    ["an older one says nothing", [total(1, 5, 500, PledgeEnd.CAP_REACHED), total(1, 4, 400)], PledgeEnd.CAP_REACHED, 500n],
    ["the same update that reaches the cap", [total(1, 5, 500), total(1, 6, 600, PledgeEnd.CAP_REACHED)], PledgeEnd.CAP_REACHED, 600n],
  ])("whether the pledge is over: %s", (_name, said, ended, minor) => {
    const view = play(EMPTY_ROOM, ...said);
    expect(view.charity.get("p")?.ended).toBe(ended);
    expect(accrued(view)).toBe(minor);
  });

  test("a reconnect with an older snapshot doesn't turn it back", () => {
    const old = create(CharityTotalSchema, { pledgeId: "p", epoch: 1n, sequence: 3n, grossAccruedMinor: 300n });
    const view = play(EMPTY_ROOM, joined(1, 0), total(1, 8, 800), joined(2, 0, { state: { charity: [old] } }));
    expect(accrued(view)).toBe(800n);
  });
});

describe("the critical lane", () => {
  test("a duplicate offset changes nothing", () => {
    const view = play(EMPTY_ROOM, joined(1, 4), sale(5, SaleState.OPEN, 10), sale(6, SaleState.SOLD_OUT, 0));
    expect(play(view, sale(5, SaleState.OPEN, 10))).toBe(view);
    expect(play(view, sale(6, SaleState.OPEN, 10))).toBe(view);
    expect(view.position).toMatchObject({ epoch: 1n, offset: 6n });
  });

  test("what was missed is played from where we stood, and its old stock doesn't beat the snapshot", () => {
    const away = NOW - 5_000;
    const before = play(EMPTY_ROOM, joined(1, 4), sale(5, SaleState.OPEN, 10, 2, away));
    const back = play(
      before,
      joined(1, 5, {
        recovered: true,
        serverTimeMs: BigInt(NOW),
        sales: [{ id: "s", state: SaleState.SOLD_OUT, stock: 10, left: 0, version: 2n }],
      }),
    );
    expect(back.position?.offset).toBe(5n);
    const caught = play(
      back,
      { ...critical(6, { case: "notice", value: { id: "n1", text: "慢慢来" } }), atMs: BigInt(away) },
      sale(7, SaleState.OPEN, 3, 2, away),
      sale(8, SaleState.SOLD_OUT, 0, 2, away),
      sale(9, SaleState.OPEN, 3, 1, away),
    );
    expect(talked(caught)).toEqual(["n/n1"]);
    expect(face(caught)).toBe("soldOut");
    expect(caught.position?.offset).toBe(9n);
    expect(face(play(caught, state({ stocks: [{ saleId: "s", left: 1 }] })))).toBe("open");
  });

  test("the room keeps its highest version, whoever said it", () => {
    const view = play(EMPTY_ROOM, joined(1, 0, { room: { id: "r", title: "b", version: 2n } }), room(1, 1, "a"));
    expect(view.room?.title).toBe("b");
    expect(play(view, room(2, 3, "c")).room?.title).toBe("c");
    expect(play(view, joined(1, 1, { recovered: true, room: { id: "r", title: "a", version: 1n } })).room?.title).toBe("b");
    expect(play(view, joined(2, 0, { room: { id: "r", title: "another record", version: 1n } })).room?.title).toBe("another record");
  });

  test("a new epoch starts from its own offset", () => {
    const view = play(EMPTY_ROOM, joined(1, 900), joined(2, 0), sale(1, SaleState.OPEN, 10));
    expect(face(view)).toBe("open");
    expect(view.position).toMatchObject({ epoch: 2n, offset: 1n });
  });

  test("recovered in another epoch is not believed", () => {
    const view = play(EMPTY_ROOM, joined(1, 900), joined(2, 3, { recovered: true }));
    expect(view.position).toMatchObject({ epoch: 2n, offset: 3n });
  });
});

describe("chat", () => {
  test("a deleted line goes, and stays away when it comes late or again", () => {
    const view = play(EMPTY_ROOM, joined(1, 0), chat("a"), chat("b"), deleted(1, "a"), deleted(2, "c"), chat("c"), chat("a"));
    expect(talked(view)).toEqual(["c/b"]);
    const back = play(view, joined(1, 2, { recovered: true, lines: [{ id: "a" }, { id: "d", atMs: BigInt(NOW + 1) }] }));
    expect(talked(back)).toEqual(["c/b", "c/d"]);
  });

  test("the same line twice is one line", () => {
    expect(talked(play(EMPTY_ROOM, chat("a"), chat("a")))).toEqual(["c/a"]);
  });

  test("only the last lines are kept, and only so many deletions", () => {
    const many = play(EMPTY_ROOM, ...Array.from({ length: LINES_MAX + 50 }, (_, n) => chat(String(n))));
    expect(many.talk).toHaveLength(LINES_MAX);
    expect(talked(many)[0]).toBe("c/50");
    const dead = play(EMPTY_ROOM, joined(1, 0), ...Array.from({ length: TOMBSTONES_MAX + 9 }, (_, n) => deleted(n + 1, `x${n}`)));
    expect(dead.tombstones).toHaveLength(TOMBSTONES_MAX);
  });

  test("skipped lines next to each other are one remark", () => {
    const skip = (lines: number): Said => ({ lane: Lane.DIRECT, atMs: BigInt(NOW), body: { case: "skipped", value: { lines } } });
    const view = play(EMPTY_ROOM, chat("a"), skip(3), skip(4), chat("b"), skip(1));
    expect(view.talk.map((talk) => (talk.kind === "skipped" ? talk.lines : talk.kind))).toEqual(["chat", 7, "chat", 1]);
    expect(new Set(talked(view)).size).toBe(4);
  });

  test("a deleted line is not pinned any more", () => {
    const view = play(
      EMPTY_ROOM,
      joined(1, 0, { room: { id: "r", pinnedLine: { id: "a", text: "bad" } } }),
      deleted(1, "a"),
    );
    expect(view.room?.pinnedLine).toBeUndefined();
  });
});

describe("a sale", () => {
  test.each([
    ["sold out, then a hold came back", [sale(1, SaleState.OPEN, 10), sale(2, SaleState.SOLD_OUT, 0), sale(3, SaleState.OPEN, 1)], "open"],
    ["the stock says it before the sale does", [sale(1, SaleState.SOLD_OUT, 0), state({ stocks: [{ saleId: "s", left: 2 }] })], "open"],
    ["open with nothing left", [sale(1, SaleState.OPEN, 10), state({ stocks: [{ saleId: "s", left: 0, held: 10 }] })], "soldOut"],
    ["closed is final", [sale(1, SaleState.CLOSED, 0), sale(2, SaleState.OPEN, 5)], "closed"],
    ["closed doesn't open by stock", [sale(1, SaleState.CLOSED, 0), state({ stocks: [{ saleId: "s", left: 5 }] })], "closed"],
  ])("%s", (_name, said, expected) => {
    expect(face(play(EMPTY_ROOM, joined(1, 0), ...said))).toBe(expected);
  });

  test("the clock closes it", () => {
    const one = create(FlashSaleSchema, { id: "s", state: SaleState.OPEN, left: 4, closesAtMs: BigInt(NOW) });
    expect(saleFace(one, undefined, NOW - 1)).toBe("open");
    expect(saleFace(one, undefined, NOW)).toBe("closed");
  });

  test("an impossible stock doesn't make a negative number", () => {
    const view = play(EMPTY_ROOM, critical(1, { case: "sale", value: { id: "s", stock: 1, left: 5, sold: 9, state: SaleState.OPEN } }));
    expect(view.stocks.get("s")?.held).toBe(0);
  });

  test("finished sales give way to those that go on, and REST doesn't overrule the socket", () => {
    const view = play(EMPTY_ROOM, joined(1, 0), sale(1, SaleState.CLOSED, 0));
    expect(salesToShow(view, NOW).map(({ id }) => id)).toEqual(["s"]);
    const read = readSales(view, [
      create(FlashSaleSchema, { id: "s", state: SaleState.OPEN, left: 3 }),
      create(FlashSaleSchema, { id: "t", state: SaleState.SCHEDULED }),
    ]);
    expect(face(read)).toBe("closed");
    expect(salesToShow(read, NOW).map(({ id }) => id)).toEqual(["t"]);
  });
});

describe("the stock of a sale", () => {
  const left = (view: RoomView): number | undefined => view.stocks.get("s")?.left;
  const counted = (units: number): Said => state({ stocks: [{ saleId: "s", left: units }] });

  test("is what the room's own node counts: what another node counted before never comes after it", () => {
    const view = play(EMPTY_ROOM, joined(1, 0), sale(1, SaleState.OPEN, 4, 2), counted(3), sale(2, SaleState.OPEN, 4, 2));
    expect(left(view)).toBe(3);
    expect(left(play(view, sale(3, SaleState.OPEN, 9, 3)))).toBe(3);
    expect(left(play(view, sale(3, SaleState.OPEN, 9, 3), counted(8)))).toBe(8);
  });

  test("is what the sale itself says once it has closed, after which no count comes", () => {
    const closed = (offset: number, held: number, sold: number): Said =>
      critical(offset, { case: "sale", value: { id: "s", state: SaleState.CLOSED, stock: 10, held, sold, version: 3n } });
    const view = play(EMPTY_ROOM, joined(1, 0), sale(1, SaleState.OPEN, 4, 2), counted(3), closed(2, 2, 5));
    expect(view.stocks.get("s")).toMatchObject({ left: 0, held: 2, sold: 5 });
    expect(play(view, closed(3, 0, 6)).stocks.get("s")).toMatchObject({ left: 0, held: 0, sold: 6 });
  });

  test("is never taken from REST when the socket has said it, whatever the version", () => {
    const view = play(EMPTY_ROOM, joined(1, 0), sale(1, SaleState.OPEN, 4, 2));
    const read = (version: bigint): RoomView =>
      readSales(view, [create(FlashSaleSchema, { id: "s", state: SaleState.OPEN, stock: 10, left: 9, version })]);
    expect([1n, 2n, 3n].map((version) => left(read(version)))).toEqual([4, 4, 4]);
    expect(read(3n).sales.get("s")?.version).toBe(3n);
  });
});

describe("an order", () => {
  test("the highest version stands, in whatever order the news comes", () => {
    const view = play(EMPTY_ROOM, order(OrderState.HELD, 1), order(OrderState.PAID, 3), order(OrderState.HELD, 2));
    expect(view.orders.get("o")?.state).toBe(OrderState.PAID);
    expect(openOrderOf(view, "s")).toBeUndefined();
  });

  test("an answer to a request counts like news", () => {
    const value = create(OrderSchema, { id: "o", saleId: "s", state: OrderState.WAITING, waitingPlace: 2, version: 1n });
    const view = play(EMPTY_ROOM, { lane: Lane.DIRECT, body: { case: "reply", value: { id: 7, outcome: { case: "order", value } } } });
    expect(openOrderOf(view, "s")?.waitingPlace).toBe(2);
  });
});

test("a body from a newer server is left alone", () => {
  expect(play(EMPTY_ROOM, { lane: Lane.DIRECT })).toBe(EMPTY_ROOM);
});

test("hearts never fall", () => {
  expect(play(EMPTY_ROOM, state({ hearts: 9n }), state({ hearts: 2n })).hearts).toBe(9n);
});
