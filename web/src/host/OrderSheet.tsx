// One order: where it goes, how far it is, what it gives, and the way back.

import { useEffect, useState } from "preact/hooks";

import { OrderState, type Order } from "../gen/apricot/v1/sale_pb";
import { toDecimal } from "../money";
import { Amount } from "../parts/Amount";
import { orderStateName } from "../parts/names";
import { Sheet } from "../parts/Sheet";
import { useWords } from "../text";
import { fromDecimal } from "../typed";
import { Refused } from "../wire/refused";
import { useAct } from "./act";
import { Said } from "./Said";
import { hostText } from "./text";
import { readOrder, refund, ship } from "./trade";

const PAID_FOR: readonly OrderState[] = [OrderState.PAID, OrderState.PACKED, OrderState.SHIPPED, OrderState.DELIVERED, OrderState.CONFIRMED];

export function OrderSheet(props: { order: Order; shipping: boolean; onOrder: (order: Order) => void; onClose: () => void }) {
  const { t, count, moment, money } = useWords();
  const h = hostText.use();
  const act = useAct();
  const [whole, setWhole] = useState<Order>();
  const [part, setPart] = useState<"ship" | "refund" | undefined>(props.shipping ? "ship" : undefined);
  // The list has no addresses: they are read for the one who packs.
  useEffect(() => {
    readOrder(props.order.id).then(setWhole, (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
    });
  }, [props.order.id, props.order.version]);
  const order = whole !== undefined && whole.version >= props.order.version ? whole : props.order;
  const address = whole?.shipTo;
  const state = orderStateName(order.state);
  const changed = (next: Order): void => {
    setWhole(next.shipTo === undefined && address !== undefined ? { ...next, shipTo: address } : next);
    props.onOrder(next);
    setPart(undefined);
  };
  const open = order.total !== undefined && PAID_FOR.includes(order.state) ? order.total.minor - (order.refunded?.minor ?? 0n) : 0n;

  return (
    <Sheet label={h.orders.one} testId="order-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>
          <bdi>{order.title}</bdi> × {count(order.quantity)}
        </h2>
        <p>
          <span class="state-tag" data-state={state} data-testid="order-state">
            {t.orders.state[state]}
          </span>
        </p>
      </header>
      <dl class="facts">
        <Fact label={h.orders.total}>{order.total !== undefined && <Amount value={order.total} />}</Fact>
        {(order.refunded?.minor ?? 0n) > 0n && <Fact label={h.orders.refunded}>{order.refunded !== undefined && <Amount value={order.refunded} />}</Fact>}
        {(order.charity?.minor ?? 0n) > 0n && <Fact label={h.orders.gives}>{order.charity !== undefined && <Amount value={order.charity} />}</Fact>}
        <Fact label={h.orders.placed}>{moment(Number(order.placedAtMs), Date.now())}</Fact>
        {order.trackingNumber !== "" && (
          <Fact label={h.orders.tracking}>
            <bdi>{order.carrier}</bdi> <bdi>{order.trackingNumber}</bdi>
          </Fact>
        )}
        {address !== undefined && (
          <Fact label={h.orders.to}>
            <b>
              <bdi>{address.name}</bdi>
            </b>{" "}
            <bdi>{address.phone}</bdi>
            <br />
            <bdi>{address.address}</bdi>
          </Fact>
        )}
        <Fact label={h.orders.number}>
          <code>{order.id}</code>
        </Fact>
      </dl>
      <Said act={act} />
      {part === undefined && (
        <div class="sheet-act">
          {order.state === OrderState.PAID && (
            <button type="button" class="quiet big" data-testid="sheet-pack" disabled={act.busy} onClick={() => void act.run(async () => changed(await ship(order.id, { state: OrderState.PACKED })), h.saved)}>
              {h.orders.pack}
            </button>
          )}
          {(order.state === OrderState.PAID || order.state === OrderState.PACKED) && (
            <button type="button" class="primary big" data-testid="sheet-ship" onClick={() => setPart("ship")}>
              {h.orders.ship}
            </button>
          )}
          {order.state === OrderState.SHIPPED && (
            <button type="button" class="primary big" data-testid="sheet-deliver" disabled={act.busy} onClick={() => void act.run(async () => changed(await ship(order.id, { state: OrderState.DELIVERED })), h.saved)}>
              {h.orders.deliver}
            </button>
          )}
          {open > 0n && (
            <button type="button" class="plain" data-testid="sheet-refund" onClick={() => setPart("refund")}>
              {h.orders.refund}
            </button>
          )}
        </div>
      )}
      {part === "ship" && <ShipForm order={order} onShipped={changed} />}
      {part === "refund" && order.total !== undefined && (
        <RefundForm order={order} openMinor={open} openText={money({ ...order.total, minor: open })} currency={order.total.currency} onRefunded={changed} onBack={() => setPart(undefined)} />
      )}
    </Sheet>
  );
}

function Fact(props: { label: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function ShipForm(props: { order: Order; onShipped: (order: Order) => void }) {
  const h = hostText.use();
  const act = useAct();
  const [carrier, setCarrier] = useState("");
  const [number, setNumber] = useState("");
  const send = async (): Promise<void> => {
    if (carrier.trim() === "" || number.trim() === "") {
      act.refuse(h.orders.shipWrong);
      document.getElementById(carrier.trim() === "" ? "ship-carrier" : "ship-number")?.focus();
      return;
    }
    await act.run(
      async () => props.onShipped(await ship(props.order.id, { state: OrderState.SHIPPED, carrier: carrier.trim(), trackingNumber: number.trim() })),
      h.orders.shipped,
    );
  };
  return (
    <form
      class="form"
      novalidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label class="field" for="ship-carrier">
        <span>{h.orders.carrier}</span>
        <input id="ship-carrier" list="carriers" maxLength={40} value={carrier} autocomplete="off" onInput={(event) => setCarrier(event.currentTarget.value)} />
        <datalist id="carriers">
          {h.orders.carriers.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label class="field" for="ship-number">
        <span>{h.orders.trackingNumber}</span>
        <input id="ship-number" maxLength={60} value={number} autocomplete="off" onInput={(event) => setNumber(event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary big" data-testid="ship-send" disabled={act.busy}>
        {h.orders.shipSend}
      </button>
      <Said act={act} />
    </form>
  );
}

function RefundForm(props: { order: Order; openMinor: bigint; openText: string; currency: string; onRefunded: (order: Order) => void; onBack: () => void }) {
  const h = hostText.use();
  const { money } = useWords();
  const act = useAct();
  const [amount, setAmount] = useState(toDecimal(props.openMinor, 2));
  const [reason, setReason] = useState("");
  const [sure, setSure] = useState(false);
  const minor = fromDecimal(amount);
  const send = async (): Promise<void> => {
    if (minor === undefined || minor === 0n || minor > props.openMinor) {
      act.refuse(h.orders.refundWrong(props.openText));
      document.getElementById("refund-amount")?.focus();
      return;
    }
    if (reason.trim() === "") {
      act.refuse(h.orders.reasonWrong);
      document.getElementById("refund-reason")?.focus();
      return;
    }
    if (!sure) {
      setSure(true);
      return;
    }
    await act.run(
      async () => props.onRefunded(await refund(props.order.id, { amount: { minor, currency: props.currency }, reason: reason.trim() })),
      h.orders.refundSaid,
    );
  };
  return (
    <form
      class="form"
      novalidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label class="field" for="refund-amount">
        <span>{h.orders.refundAmount(props.openText)}</span>
        <input
          id="refund-amount"
          inputMode="decimal"
          value={amount}
          autocomplete="off"
          onInput={(event) => {
            setSure(false);
            setAmount(event.currentTarget.value);
          }}
        />
      </label>
      <label class="field" for="refund-reason">
        <span>{h.orders.reason}</span>
        <input id="refund-reason" maxLength={200} value={reason} autocomplete="off" placeholder={h.orders.reasonLike} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button type="submit" class="grave big" data-testid="refund-send" disabled={act.busy}>
        {sure && minor !== undefined ? h.orders.refundSure(money({ $typeName: "apricot.v1.Money", minor, currency: props.currency })) : h.orders.refund}
      </button>
      <button type="button" class="plain" onClick={props.onBack}>
        {h.back}
      </button>
      <Said act={act} />
    </form>
  );
}
