// A room's orders, newest first, one by its number, and refunds.

import { useCallback, useEffect, useState } from "preact/hooks";

import { MoneySchema } from "../gen/apricot/v1/common_pb";
import { OrderState, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { Fact } from "../parts/Fact";
import { declineText, orderStateName, problemText } from "../parts/names";
import { Sheet } from "../parts/Sheet";
import { Skeleton } from "../parts/Still";
import { toDecimal } from "../money";
import { apart, useWords } from "../text";
import { fromDecimal } from "../typed";
import { create } from "../wire/messages";
import { Refused } from "../wire/refused";
import { useActing } from "./Acting";
import { usePaged } from "./paged";
import { readOrder, readOrders, refund } from "./record";
import { opsText } from "./text";

const LOOK_EVERY_MS = 5_000;
const REFUNDABLE: readonly OrderState[] = [OrderState.PAID, OrderState.PACKED, OrderState.SHIPPED, OrderState.DELIVERED, OrderState.CONFIRMED];

export function RoomOrders(props: { roomId: string }) {
  const { t, count, moment } = useWords();
  const o = opsText.use();
  const { done } = useActing();
  const { roomId } = props;
  const ask = useCallback(async (cursor: string) => {
    const { orders, nextCursor } = await readOrders(roomId, cursor);
    return { items: orders, next: nextCursor };
  }, [roomId]);
  const orders = usePaged(ask, ({ id }) => id, LOOK_EVERY_MS);
  useEffect(() => orders.look(), [done]);
  const [open, setOpen] = useState<Order>();
  return (
    <section class="block" aria-labelledby="orders-heading">
      <header class="block-head">
        <h2 id="orders-heading">{o.orders}</h2>
        <FindOrder onFound={setOpen} />
      </header>
      {orders.items === undefined && orders.problem === undefined && <Skeleton lines={6} />}
      {orders.problem !== undefined && <p class="wrong">{problemText(t, orders.problem)}</p>}
      {orders.items?.length === 0 && <p class="hint">{o.ordersNone}</p>}
      <ul class="orders">
        {orders.items?.map((order) => {
          const state = orderStateName(order.state);
          return (
            <li key={order.id}>
              <button type="button" class="order-line" data-testid="order" data-order={order.id} data-state={state} onClick={() => setOpen(order)}>
                <span class="order-when">{moment(Number(order.placedAtMs), Date.now())}</span>
                <span class="order-what">
                  <bdi>{order.title}</bdi> × {count(order.quantity)}
                </span>
                <span class="state-tag" data-state={state}>
                  {t.orders.state[state]}
                </span>
                <span class="order-money">{order.total !== undefined && <Amount value={order.total} />}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {orders.more !== undefined && (
        <button type="button" class="quiet" onClick={orders.more}>
          {t.more}
        </button>
      )}
      {open !== undefined && <OrderSheet order={open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

/** Any order by its number, of whatever room. */
export function FindOrder(props: { onFound: (order: Order) => void }) {
  const { t } = useWords();
  const o = opsText.use();
  const [id, setId] = useState("");
  const [wrong, setWrong] = useState("");
  const find = async (): Promise<void> => {
    setWrong("");
    try {
      props.onFound(await readOrder(id.trim()));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setWrong(problemText(t, error.problem));
    }
  };
  return (
    <form
      class="by-subject"
      onSubmit={(event) => {
        event.preventDefault();
        if (id.trim() !== "") void find();
      }}
    >
      <label class="find">
        <span class="unseen">{o.findOrder}</span>
        <input data-testid="find-order" value={id} placeholder={o.findOrder} autocomplete="off" spellcheck={false} onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      <button type="submit" class="act" disabled={id.trim() === ""}>
        {o.look}
      </button>
      <p class={wrong === "" ? "unseen" : "wrong"} role="status">
        {wrong}
      </p>
    </form>
  );
}

export function OrderSheet(props: { order: Order; onClose: () => void }) {
  const { t, count, stamp } = useWords();
  const o = opsText.use();
  const { may, ask } = useActing();
  const { order } = props;
  const state = orderStateName(order.state);
  const total = order.total;
  const leftMinor = (total?.minor ?? 0n) - (order.refunded?.minor ?? 0n);
  const refunding = (): void => {
    if (total === undefined) return;
    props.onClose();
    const wish = { text: toDecimal(leftMinor, 2) };
    const wanted = (): bigint | undefined => fromDecimal(wish.text);
    ask({
      title: o.acts.refund.title,
      happens: o.acts.refund.happens(apart(order.buyerId), order.id),
      yes: o.acts.refund.yes,
      grave: true,
      fields: (
        <label class="field">
          <span>{o.acts.refund.amount(total.currency, toDecimal(leftMinor, 2))}</span>
          <input data-testid="refund-amount" inputMode="decimal" defaultValue={wish.text} onInput={(event) => (wish.text = event.currentTarget.value)} />
        </label>
      ),
      wrong: () => {
        const minor = wanted();
        return minor === undefined || minor <= 0n || minor > leftMinor ? o.acts.refund.wrong(toDecimal(leftMinor, 2)) : undefined;
      },
      act: (reason) => refund(order.id, { amount: create(MoneySchema, { minor: wanted() ?? 0n, currency: total.currency }), reason }),
      leaves: "refund",
    });
  };
  return (
    <Sheet label={o.order} testId="order-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>
          <bdi>{order.title}</bdi> × {count(order.quantity)}
        </h2>
        <span class="state-tag" data-state={state}>
          {t.orders.state[state]}
        </span>
      </header>
      <dl class="facts">
        <Fact name={o.order}>
          <code>{order.id}</code>
        </Fact>
        <Fact name={o.buyer}>
          <code>{order.buyerId}</code>
        </Fact>
        {total !== undefined && (
          <Fact name={o.amount}>
            <Amount value={total} />
          </Fact>
        )}
        {order.refunded !== undefined && order.refunded.minor > 0n && (
          <Fact name={o.refunded}>
            <Amount value={order.refunded} />
          </Fact>
        )}
        <Fact name={o.placed}>{stamp(Number(order.placedAtMs))}</Fact>
        {order.paidAtMs > 0n && <Fact name={o.paidAt}>{stamp(Number(order.paidAtMs))}</Fact>}
        {order.declineReason !== "" && <Fact name={o.declined}>{declineText(t, order.declineReason)}</Fact>}
      </dl>
      {may && REFUNDABLE.includes(order.state) && leftMinor > 0n && (
        <button type="button" class="grave" data-testid="refund" onClick={refunding}>
          {o.acts.refund.button}
        </button>
      )}
    </Sheet>
  );
}
