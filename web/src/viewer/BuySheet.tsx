// One order from the tap to the thanks: set aside, where to, pay, and how it went.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { OrderState, PaymentMethod, PaymentState, type FlashSale, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { titlesOf } from "../parts/Gifts";
import { declineText, orderStateName, problemText } from "../parts/names";
import { Photo } from "../parts/Photo";
import { Sheet } from "../parts/Sheet";
import { Leaf } from "../parts/signs";
import { Skeleton } from "../parts/Still";
import { useServerTime } from "../parts/time";
import type { LiveRoom, Placing } from "../room/live";
import { isPaying } from "../room/state";
import { clockFace, useWords } from "../text";
import { DonationLabel } from "./DonationLabel";
import { rememberAddress, rememberedAddress, shipTo, wrongFields, type Address, type AddressField } from "./shipping";

interface Props {
  readonly live: LiveRoom;
  readonly orderId: string;
  readonly onClose: () => void;
  readonly onReceipt: (orderId: string) => void;
  readonly onAnother: (saleId: string, quantity: number, wait: boolean) => void;
}

export function BuySheet(props: Props) {
  const { t } = useWords();
  const { live, orderId } = props;
  const order = live.view.orders.get(orderId);
  const placing = live.placing?.wish.orderId === orderId ? live.placing : undefined;
  const sale = live.view.sales.get(order?.saleId ?? placing?.wish.saleId ?? "");
  return (
    <Sheet label={t.sheet.label} testId="sheet" onClose={props.onClose}>
      {order !== undefined ? (
        <Ordered {...props} order={order} sale={sale} />
      ) : (
        <Wished {...props} placing={placing} sale={sale} />
      )}
    </Sheet>
  );
}

function Head(props: { state: string; title: string; hint?: string | undefined; tone?: "good" | "bad" }) {
  return (
    <header class="sheet-head" data-tone={props.tone}>
      <div role="status">
        <h2 data-testid="order-state" data-state={props.state}>
          {props.title}
        </h2>
      </div>
      {props.hint !== undefined && <p class="hint">{props.hint}</p>}
    </header>
  );
}

/** Before there is an order: the wish is on its way, or was refused. */
function Wished(props: Props & { placing: Placing | undefined; sale: FlashSale | undefined }) {
  const { t } = useWords();
  const { placing, sale } = props;
  if (placing?.kind === "refused") {
    const { problem, wish } = placing;
    return (
      <>
        <Head state="refused" title={t.sheet.failed} hint={problemText(t, problem)} tone="bad" />
        <div class="sheet-act">
          {problem.type === "sold-out" && (
            <button type="button" class="primary" data-testid="sheet-wait" onClick={() => props.onAnother(wish.saleId, wish.quantity, true)}>
              {t.sale.wait}
            </button>
          )}
          {problem.retryAfterMs > 0 && (
            <button type="button" class="primary" onClick={() => props.onAnother(wish.saleId, wish.quantity, wish.wait)}>
              {t.tryAgain}
            </button>
          )}
          <button type="button" class="quiet" onClick={props.onClose}>
            {t.sheet.done}
          </button>
        </div>
      </>
    );
  }
  const { link } = props.live;
  if (link.kind === "over") return <Head state="refused" title={t.sheet.failed} hint={t.connection.over[link.over]} tone="bad" />;
  return (
    <>
      <Head state="placing" title={placing?.kind === "asking" && placing.again ? t.sheet.retrying : t.sheet.placing} hint={t.sheet.placingHint} />
      {sale !== undefined && <What title={sale.title} image={sale.imageUrl} detail={sale.unit} />}
      <Skeleton lines={5} />
    </>
  );
}

function Ordered(props: Props & { order: Order; sale: FlashSale | undefined }) {
  const { t, count, money } = useWords();
  const { order, sale } = props;
  const name = orderStateName(order.state);
  const paying = isPaying(order);
  const what = (
    <What title={order.title} image={sale?.imageUrl ?? ""} detail={t.sheet.quantity(count(order.quantity))}>
      {order.total !== undefined && <Amount value={order.total} class="what-total" />}
    </What>
  );
  const back = (
    <button type="button" class="quiet" onClick={props.onClose}>
      {t.sheet.done}
    </button>
  );

  switch (order.state) {
    case OrderState.HELD:
      return <Held {...props} what={what} />;
    case OrderState.WAITING:
      return (
        <>
          <Head
            state={name}
            title={t.sheet.waiting}
            hint={order.waitingPlace > 0 ? t.sheet.waitingHint(count(order.waitingPlace)) : t.sheet.waitingQuiet}
          />
          {what}
          <div class="sheet-act">
            {back}
            <Cancel live={props.live} orderId={order.id} label={t.sheet.leaveQueue} />
          </div>
        </>
      );
    case OrderState.EXPIRED: {
      const refund =
        order.paymentState === PaymentState.REFUNDING ? t.sheet.refunding : order.paymentState === PaymentState.REFUNDED ? t.sheet.refunded : undefined;
      return (
        <>
          <Head
            state={name}
            title={paying ? t.sheet.expiredPaying : order.waitingPlace > 0 ? t.sheet.expiredWaiting : t.sheet.expired}
            hint={paying ? t.sheet.expiredPayingHint : refund}
            tone="bad"
          />
          {what}
          <div class="sheet-act">{back}</div>
        </>
      );
    }
    case OrderState.RELEASED:
      return (
        <>
          <Head state={name} title={t.sheet.released} />
          <div class="sheet-act">{back}</div>
        </>
      );
    case OrderState.REFUNDED:
      return (
        <>
          <Head state={name} title={order.paymentState === PaymentState.REFUNDING ? t.sheet.refunding : t.sheet.refunded} />
          {what}
          <div class="sheet-act">{back}</div>
        </>
      );
    case OrderState.PAID:
    case OrderState.PACKED:
    case OrderState.SHIPPED:
    case OrderState.DELIVERED:
    case OrderState.CONFIRMED:
    case OrderState.UNSPECIFIED:
    default:
      return (
        <>
          <Head state={name} title={order.state === OrderState.PAID ? t.sheet.paid : t.orders.state[name]} hint={t.sheet.paidHint} tone="good" />
          {what}
          {order.charity !== undefined && order.charity.minor > 0n && (
            <p class="gives gives-thanks">
              <Leaf />
              {sale?.pledge === undefined ? t.orders.charity(money(order.charity)) : t.sheet.thanks(money(order.charity), titlesOf(t, sale.pledge))}
            </p>
          )}
          <p class="order-number hint">
            {t.sheet.order} <code>{order.id}</code>
          </p>
          <div class="sheet-act">
            <button type="button" class="primary" data-testid="open-receipt" onClick={() => props.onReceipt(order.id)}>
              {t.sheet.receipt}
            </button>
            {back}
          </div>
        </>
      );
  }
}

function Held(props: Props & { order: Order; sale: FlashSale | undefined; what: ComponentChildren }) {
  const { t, money } = useWords();
  const { live, order, sale } = props;
  const now = useServerTime(live.view.clock.skewMs);
  const [address, setAddress] = useState<Address>(rememberedAddress);
  const [wrong, setWrong] = useState<readonly AddressField[]>([]);
  const [problem, setProblem] = useState("");
  const [sending, setSending] = useState(false);

  const leftMs = Math.max(0, Number(order.holdExpiresAtMs) - now);
  // What the waiting list offers is held for a time of its own.
  const [firstLeftMs] = useState(leftMs);
  const wholeMs = Math.max(1, order.offered ? firstLeftMs : (sale?.holdSeconds ?? 300) * 1000);
  const paying = isPaying(order);
  const declined = order.paymentState === PaymentState.DECLINED;
  const total = order.total ?? { minor: 0n, currency: "CNY" };

  const pay = async (method: PaymentMethod): Promise<void> => {
    const wrongNow = wrongFields(address);
    setWrong(wrongNow);
    setProblem("");
    const first = wrongNow[0];
    if (first !== undefined) {
      document.getElementById(`ship-${first}`)?.focus();
      return;
    }
    rememberAddress(address);
    setSending(true);
    const answer = await live.pay(order.id, method, shipTo(address));
    setSending(false);
    if ("problem" in answer) setProblem(problemText(t, answer.problem));
  };

  const field = (name: AddressField, label: string, wrongText: string, autocomplete: string) => (
    <label class="field" for={`ship-${name}`}>
      <span>{label}</span>
      <input
        id={`ship-${name}`}
        data-testid={`ship-${name}`}
        name={name}
        value={address[name]}
        onInput={(event) => setAddress({ ...address, [name]: event.currentTarget.value })}
        aria-invalid={wrong.includes(name)}
        aria-describedby={wrong.includes(name) ? `ship-${name}-wrong` : undefined}
        inputMode={name === "phone" ? "tel" : "text"}
        autocomplete={autocomplete}
      />
      {wrong.includes(name) && <small id={`ship-${name}-wrong`}>{wrongText}</small>}
    </label>
  );

  return (
    <>
      <Head
        state="held"
        title={paying ? t.sheet.authorising : declined ? t.sheet.declined : order.offered ? t.sheet.offered : t.sheet.heldFor}
        hint={
          paying
            ? t.sheet.authorisingHint
            : declined && order.declineReason !== ""
              ? t.sheet.declinedReason(declineText(t, order.declineReason))
              : t.sheet.heldQuiet
        }
        {...(declined ? { tone: "bad" } : {})}
      />
      <div class="hold" role="timer" data-hurry={leftMs < 30_000}>
        <span class="hold-bar" aria-hidden="true">
          <span style={{ width: `${Math.min(100, (leftMs / wholeMs) * 100)}%` }} />
        </span>
        <time>{clockFace(leftMs)}</time>
      </div>
      {props.what}
      {sale?.pledge !== undefined && (
        <DonationLabel
          pledge={sale.pledge}
          total={live.view.charity.get(sale.pledge.id)}
          paid={total.minor}
          quantity={order.quantity}
          currency={total.currency}
          host={live.view.room?.hostName ?? ""}
          now={now}
          testId="sheet-gives"
          lead={(gift) => t.sheet.charity(gift, money(total))}
        />
      )}
      {paying ? (
        <Skeleton lines={2} />
      ) : (
        <form
          class="ship"
          novalidate
          onSubmit={(event) => {
            event.preventDefault();
            void pay(PaymentMethod.SANDBOX_APPROVE);
          }}
        >
          <h3>{t.sheet.shipTo}</h3>
          <div class="ship-pair">
            {field("name", t.sheet.name, t.sheet.nameWrong, "name")}
            {field("phone", t.sheet.phone, t.sheet.phoneWrong, "tel")}
          </div>
          {field("address", t.sheet.address, t.sheet.addressWrong, "street-address")}
          <p class="hint">{t.sheet.remembered}</p>
          <p class={problem === "" ? "unseen" : "wrong"} role="alert">
            {problem}
          </p>
          <div class="sheet-act">
            <button type="submit" class="primary pay" data-testid="pay-approve" disabled={sending}>
              {t.sheet.approve} <Amount value={total} />
            </button>
            <p class="hint sandbox">{t.sheet.payWith}</p>
            <div class="sheet-pair">
              <button type="button" class="quiet" data-testid="pay-decline" disabled={sending} onClick={() => void pay(PaymentMethod.SANDBOX_DECLINE)}>
                {t.sheet.decline}
              </button>
              <button type="button" class="quiet" data-testid="pay-slow" disabled={sending} onClick={() => void pay(PaymentMethod.SANDBOX_SLOW)}>
                {t.sheet.slow}
              </button>
            </div>
            <Cancel live={live} orderId={order.id} label={t.sheet.cancel} />
          </div>
        </form>
      )}
    </>
  );
}

function What(props: { title: string; image: string; detail: string; children?: ComponentChildren }) {
  return (
    <div class="what">
      <Photo src={props.image} drawing={drawingOf(props.title)} class="what-photo" />
      <span class="what-words">
        <strong>
          <bdi>{props.title}</bdi>
        </strong>
        <span class="hint">{props.detail}</span>
      </span>
      {props.children}
    </div>
  );
}

function Cancel(props: { live: LiveRoom; orderId: string; label: string }) {
  const { t } = useWords();
  const [wrong, setWrong] = useState("");
  const cancel = async (): Promise<void> => {
    const answer = await props.live.cancel(props.orderId);
    setWrong("problem" in answer ? problemText(t, answer.problem) : "");
  };
  return (
    <>
      <button type="button" class="plain" onClick={() => void cancel()}>
        {props.label}
      </button>
      {wrong !== "" && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </>
  );
}
