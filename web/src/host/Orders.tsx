// The room's orders, newest first: what to pack, what is on its way, what was given back.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Room } from "../gen/apricot/v1/room_pb";
import { OrderState, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { orderStateName, problemText } from "../parts/names";
import { Skeleton, Still } from "../parts/Still";
import { apart, useWords } from "../text";
import { Refused } from "../wire/refused";
import { useAct } from "./act";
import type { Desk } from "./desk";
import { OrderSheet } from "./OrderSheet";
import { Said } from "./Said";
import { Sheets } from "./signs";
import { hostText } from "./text";
import { readOrders, saveFile, ship } from "./trade";

type Filter = "all" | "pack" | "send" | "way" | "done" | "back";
const FILTERS: Record<Filter, readonly OrderState[]> = {
  all: [],
  pack: [OrderState.PAID],
  send: [OrderState.PACKED],
  way: [OrderState.SHIPPED],
  done: [OrderState.DELIVERED, OrderState.CONFIRMED],
  back: [OrderState.REFUNDED],
};
const NAMES = Object.keys(FILTERS) as readonly Filter[];
const LOOK_EVERY_MS = 10_000;

export function Orders(props: { desk: Desk; room: Room }) {
  const { t, count, moment } = useWords();
  const h = hostText.use();
  const { room } = props;
  const act = useAct();
  const [orders, setOrders] = useState<ReadonlyMap<string, Order>>();
  const [older, setOlder] = useState("");
  const [failed, setFailed] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const [open, setOpen] = useState<{ readonly order: Order; readonly shipping: boolean }>();
  const deeper = useRef(false);

  const take = (some: readonly Order[]): void =>
    setOrders((known) => {
      const all = new Map(known);
      for (const order of some) if (order.version >= (all.get(order.id)?.version ?? 0n)) all.set(order.id, order);
      return all;
    });
  const look = async (cursor: string): Promise<void> => {
    try {
      const page = await readOrders(room.id, cursor);
      take(page.orders);
      setFailed("");
      // A look at the newest page doesn't forget how far down somebody has read.
      if (cursor !== "" || !deeper.current) setOlder(page.nextCursor);
      if (cursor !== "") deeper.current = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setFailed(problemText(t, error.problem));
    }
  };
  useEffect(() => {
    const newest = (): void => {
      if (!document.hidden) void look("");
    };
    newest();
    const timer = setInterval(newest, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [room.id]);

  const all = [...(orders?.values() ?? [])].sort((a, b) => Number(b.placedAtMs - a.placedAtMs) || (a.id < b.id ? 1 : -1));
  const shown = filter === "all" ? all : all.filter(({ state }) => FILTERS[filter].includes(state));
  const step = (order: Order, state: OrderState): void =>
    void act.run(async () => {
      take([await ship(order.id, { state })]);
      props.desk.look();
    }, h.saved);

  return (
    <section class="panel orders-panel" aria-labelledby="orders-heading">
      <header class="panel-head">
        <h2 id="orders-heading">{h.nav.orders}</h2>
        <button type="button" class="quiet" disabled={act.busy} onClick={() => void act.run(() => saveFile(room.id, "orders-to-pack"), h.fileSaved)}>
          <Sheets />
          {h.toPackFile}
        </button>
      </header>
      <div class="chips order-filters" role="group" aria-label={h.orders.filter}>
        {NAMES.map((name) => {
          const number = name === "all" ? all.length : all.filter(({ state }) => FILTERS[name].includes(state)).length;
          return (
            <button key={name} type="button" class="chip" aria-pressed={filter === name} data-testid={`filter-${name}`} onClick={() => setFilter(name)}>
              {h.orders.filters[name]} <span class="chip-count">{older === "" || name === "all" ? count(number) + (older === "" ? "" : "+") : count(number)}</span>
            </button>
          );
        })}
      </div>
      <Said act={act} />
      {failed !== "" && <p class="wrong">{failed}</p>}
      {orders === undefined && failed === "" && <Skeleton lines={9} />}
      {orders !== undefined && shown.length === 0 && <Still title={filter === "all" ? h.orders.empty : h.orders.emptyHere} hint={filter === "all" ? h.orders.emptyHint : undefined} />}
      <ul class="order-list">
        {shown.map((order) => {
          const state = orderStateName(order.state);
          return (
            <li key={order.id} class="order-row" data-testid="order" data-order={order.id} data-state={state}>
              <button type="button" class="order-open" data-testid="order-open" onClick={() => setOpen({ order, shipping: false })}>
                <span class="order-what">
                  <b>
                    <bdi>{order.title}</bdi>
                  </b>{" "}
                  <span class="order-times">× {count(order.quantity)}</span>
                </span>
                <span class="hint order-when">
                  {moment(Number(order.placedAtMs), Date.now())} · {h.orders.buyer(apart(order.buyerId))}
                </span>
                <span class="order-money">{order.total !== undefined && <Amount value={order.total} />}</span>
                <span class="state-tag" data-state={state}>
                  {t.orders.state[state]}
                </span>
              </button>
              {order.state === OrderState.PAID && (
                <button type="button" class="primary order-step" data-testid="order-pack" disabled={act.busy} onClick={() => step(order, OrderState.PACKED)}>
                  {h.orders.pack}
                </button>
              )}
              {order.state === OrderState.PACKED && (
                <button type="button" class="primary order-step" data-testid="order-ship" disabled={act.busy} onClick={() => setOpen({ order, shipping: true })}>
                  {h.orders.ship}
                </button>
              )}
              {order.state === OrderState.SHIPPED && (
                <button type="button" class="quiet order-step" data-testid="order-deliver" disabled={act.busy} onClick={() => step(order, OrderState.DELIVERED)}>
                  {h.orders.deliver}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {older !== "" && (
        <button type="button" class="quiet big" data-testid="orders-more" disabled={act.busy} onClick={() => void look(older)}>
          {h.orders.more}
        </button>
      )}
      {open !== undefined && (
        <OrderSheet
          order={orders?.get(open.order.id) ?? open.order}
          shipping={open.shipping}
          onOrder={(order) => {
            take([order]);
            props.desk.look();
          }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </section>
  );
}
