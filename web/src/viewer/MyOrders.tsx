// The orders of this person, newest first, in every room.

import { create } from "@bufbuild/protobuf";
import { useCallback, useEffect, useState } from "preact/hooks";

import { OrderListSchema, ShipOrderSchema } from "../gen/apricot/v1/api_pb";
import { OrderSchema, OrderState, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { orderStateName, problemText } from "../parts/names";
import { Photo } from "../parts/Photo";
import { Skeleton, Still } from "../parts/Still";
import type { LiveRoom } from "../room/live";
import { isOpenOrder, ordersOf } from "../room/state";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read, write } from "../wire/rest";

type Reading = { readonly kind: "reading" | "failed" } | { readonly kind: "read"; readonly next: string };

export function MyOrders(props: { live: LiveRoom; onOrder: (orderId: string) => void }) {
  const { t } = useWords();
  const { live } = props;
  const [reading, setReading] = useState<Reading>({ kind: "reading" });

  const readPage = useCallback(
    async (cursor: string) => {
      try {
        const page = await read("/v1/orders", {}, OrderListSchema, { cursor });
        live.takeOrders(page.orders);
        setReading({ kind: "read", next: page.nextCursor });
      } catch {
        setReading({ kind: "failed" });
      }
    },
    [live],
  );
  useEffect(() => void readPage(""), [readPage]);

  const orders = ordersOf(live.view);
  return (
    <>
      {reading.kind === "reading" && orders.length === 0 && <Skeleton lines={6} />}
      {reading.kind === "failed" && <p class="wrong">{t.orders.failed}</p>}
      {reading.kind === "read" && orders.length === 0 && <Still title={t.orders.empty} hint={t.orders.emptyHint} />}
      <ul class="orders">
        {orders.map((order) => (
          <OrderLine key={order.id} live={live} order={order} onOrder={props.onOrder} />
        ))}
      </ul>
      {reading.kind === "read" && reading.next !== "" && (
        <button type="button" class="quiet orders-more" onClick={() => void readPage(reading.next)}>
          {t.more}
        </button>
      )}
    </>
  );
}

function OrderLine(props: { live: LiveRoom; order: Order; onOrder: (orderId: string) => void }) {
  const { t, count, money, moment } = useWords();
  const { live, order } = props;
  const [wrong, setWrong] = useState("");
  const name = orderStateName(order.state);
  const here = order.roomId === live.roomId;
  const received = order.state === OrderState.SHIPPED || order.state === OrderState.DELIVERED;

  const confirm = async (): Promise<void> => {
    const message = create(ShipOrderSchema, { state: OrderState.CONFIRMED });
    try {
      live.takeOrders([await write("post", "/v1/orders/{order}/shipping", { order: order.id }, { schema: ShipOrderSchema, message }, OrderSchema)]);
      setWrong("");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setWrong(problemText(t, error.problem));
    }
  };

  return (
    <li class="order" data-testid="order" data-order={order.id}>
      <Photo src={live.view.sales.get(order.saleId)?.imageUrl ?? ""} drawing={drawingOf(order.title)} class="order-photo" />
      <div class="order-words">
        <div class="order-top">
          <strong>{order.title}</strong>
          <span class="state-tag" data-testid="order-state" data-state={name}>
            {t.orders.state[name]}
          </span>
        </div>
        <div class="order-top">
          <span class="hint">
            {t.sheet.quantity(count(order.quantity))}
            {order.placedAtMs > 0n && ` · ${t.orders.placedAt(moment(Number(order.placedAtMs), Date.now()))}`}
          </span>
          {order.total !== undefined && <Amount value={order.total} />}
        </div>
        {order.trackingNumber !== "" && <p class="hint">{t.orders.tracking(order.carrier, order.trackingNumber)}</p>}
        {order.charity !== undefined && order.charity.minor > 0n && <p class="order-gives">{t.orders.charity(money(order.charity))}</p>}
        {order.refunded !== undefined && order.refunded.minor > 0n && <p class="hint">{t.orders.refunded(money(order.refunded))}</p>}
        {here && isOpenOrder(order) && (
          <button type="button" class="primary" onClick={() => props.onOrder(order.id)}>
            {order.state === OrderState.HELD ? t.orders.pay : t.orders.state[name]}
          </button>
        )}
        {received && (
          <button type="button" class="quiet" onClick={() => void confirm()}>
            {t.orders.confirm}
          </button>
        )}
        {wrong !== "" && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
      </div>
    </li>
  );
}
