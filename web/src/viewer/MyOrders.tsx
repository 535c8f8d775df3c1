// The orders of this person, newest first, in every room.

import { useCallback, useEffect, useState } from "preact/hooks";

import "./papers.css";

import { OrderListSchema, ShipOrderSchema } from "../gen/apricot/v1/api_pb";
import { OrderSchema, OrderState, PaymentState, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { orderStateName, problemText } from "../parts/names";
import { Photo } from "../parts/Photo";
import { Leaf, Receipt } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import type { LiveRoom } from "../room/live";
import { isOpenOrder, ordersOf } from "../room/state";
import { apart, useWords } from "../text";
import { create } from "../wire/messages";
import { Refused } from "../wire/refused";
import { read, write } from "../wire/rest";

type Reading = { readonly kind: "reading" } | { readonly kind: "failed"; readonly why: string } | { readonly kind: "read"; readonly next: string };

interface Props {
  readonly live: LiveRoom;
  readonly onOrder: (orderId: string) => void;
  readonly onReceipt: (orderId: string) => void;
}

export function MyOrders(props: Props) {
  const { t } = useWords();
  const { live } = props;
  const [reading, setReading] = useState<Reading>({ kind: "reading" });

  const readPage = useCallback(
    async (cursor: string) => {
      try {
        const page = await read("/v1/orders", {}, OrderListSchema, { cursor });
        live.takeOrders(page.orders);
        setReading({ kind: "read", next: page.nextCursor });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setReading({ kind: "failed", why: error.problem.type === "lost" ? t.orders.failed : problemText(t, error.problem) });
      }
    },
    [live, t],
  );
  useEffect(() => void readPage(""), [readPage]);

  const orders = ordersOf(live.view);
  return (
    <>
      {reading.kind === "reading" && orders.length === 0 && <Skeleton lines={6} />}
      {reading.kind === "failed" && (
        <p class="wrong" role="alert">
          {reading.why}
          <button type="button" class="plain" onClick={() => void readPage("")}>
            {t.tryAgain}
          </button>
        </p>
      )}
      {reading.kind === "read" && orders.length === 0 && <Still title={t.orders.empty} hint={t.orders.emptyHint} />}
      {orders.some(({ paidAtMs }) => paidAtMs > 0n) && (
        <a class="orders-gave" href="/receipts" data-testid="to-receipts">
          <Leaf />
          {t.orders.gave}
        </a>
      )}
      <ul class="orders">
        {orders.map((order) => (
          <OrderLine key={order.id} {...props} order={order} />
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

function OrderLine(props: Props & { order: Order }) {
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
          <strong>
            <bdi>{order.title}</bdi>
          </strong>
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
        {order.trackingNumber !== "" && <p class="hint">{t.orders.tracking(apart(order.carrier), apart(order.trackingNumber))}</p>}
        {order.charity !== undefined && order.charity.minor > 0n && <p class="order-gives">{t.orders.charity(money(order.charity))}</p>}
        <Refund order={order} />
        <Steps order={order} />
        {here && isOpenOrder(order) && (
          <button type="button" class="primary" onClick={() => props.onOrder(order.id)}>
            {order.state === OrderState.HELD ? t.orders.pay : t.orders.state[name]}
          </button>
        )}
        <div class="order-act">
          {received && (
            <button type="button" class="primary" data-testid="order-confirm" onClick={() => void confirm()}>
              {t.orders.confirm}
            </button>
          )}
          {order.paidAtMs > 0n && (
            <button type="button" class="quiet" data-testid="order-receipt" onClick={() => props.onReceipt(order.id)}>
              <Receipt />
              {t.orders.receipt}
            </button>
          )}
        </div>
        {wrong !== "" && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
      </div>
    </li>
  );
}

/** Money on its way back, or how much of it is back. */
function Refund(props: { order: Order }) {
  const { t, money } = useWords();
  const { paymentState, refunded, total } = props.order;
  const back = refunded?.minor ?? 0n;
  return (
    <>
      {paymentState === PaymentState.REFUNDING && <p class="order-refund">{t.orders.refunding}</p>}
      {refunded !== undefined && total !== undefined && back > 0n && (
        <p class="order-refund" data-testid="order-refunded">
          {back < total.minor ? t.orders.refundedPart(money(refunded), money(total)) : t.orders.refunded(money(refunded))}
        </p>
      )}
    </>
  );
}

const STEPS = [
  [OrderState.PAID, "paid"],
  [OrderState.PACKED, "packed"],
  [OrderState.SHIPPED, "shipped"],
  [OrderState.DELIVERED, "delivered"],
  [OrderState.CONFIRMED, "confirmed"],
] as const;

/** From the till to the door. */
function Steps(props: { order: Order }) {
  const { t } = useWords();
  const at = STEPS.findIndex(([state]) => state === props.order.state);
  if (at < 0) return null;
  return (
    <ol class="steps" aria-label={t.orders.steps}>
      {STEPS.map(([, name], n) => (
        <li key={name} data-done={n <= at} aria-current={n === at ? "step" : undefined}>
          {t.orders.step[name]}
        </li>
      ))}
    </ol>
  );
}
