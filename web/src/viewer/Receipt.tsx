// What was bought, what was paid and sent back, and what it gave: on the screen and on paper.

import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";

import "./papers.css";

import type { Money } from "../gen/apricot/v1/common_pb";
import { RoomSchema, type Room } from "../gen/apricot/v1/room_pb";
import { FlashSaleSchema, OrderSchema, PaymentState, type FlashSale, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { Fact } from "../parts/Fact";
import { ProjectLink } from "../parts/Gifts";
import { orderStateName, problemText } from "../parts/names";
import { Leaf } from "../parts/signs";
import { Skeleton } from "../parts/Still";
import { shares } from "../pledged";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";

interface Papers {
  readonly order: Order;
  readonly sale: FlashSale;
  readonly room: Room;
}

type Reading = { readonly kind: "reading" } | { readonly kind: "failed"; readonly why: string } | { readonly kind: "read"; readonly papers: Papers };

async function readPapers(id: string): Promise<Papers> {
  const order = await read("/v1/orders/{order}", { order: id }, OrderSchema);
  const [sale, room] = await Promise.all([
    read("/v1/sales/{sale}", { sale: order.saleId }, FlashSaleSchema),
    read("/v1/rooms/{room}", { room: order.roomId }, RoomSchema),
  ]);
  return { order, sale, room };
}

export function Receipt(props: { orderId: string }) {
  const { t } = useWords();
  const [reading, setReading] = useState<Reading>({ kind: "reading" });
  useEffect(() => {
    readPapers(props.orderId).then(
      (papers) => setReading({ kind: "read", papers }),
      (error: unknown) => setReading({ kind: "failed", why: error instanceof Refused && error.problem.type !== "lost" ? problemText(t, error.problem) : t.receipt.failed }),
    );
  }, [props.orderId, t]);
  if (reading.kind === "reading") return <Skeleton lines={9} />;
  if (reading.kind === "failed") {
    return (
      <p class="wrong" role="alert">
        {reading.why}
      </p>
    );
  }
  return <Paper {...reading.papers} />;
}

function Paper(props: Papers) {
  const { t, count, money, stamp } = useWords();
  const r = t.receipt;
  const { order, sale, room } = props;
  const state = orderStateName(order.state);
  const currency = order.total?.currency ?? "CNY";
  const amount = (minor: bigint): Money => ({ $typeName: "apricot.v1.Money", minor, currency });
  const total = order.total?.minor ?? 0n;
  const back = order.refunded?.minor ?? 0n;
  const times: readonly (readonly [string, bigint])[] = [
    [r.placed, order.placedAtMs],
    [r.paid, order.paidAtMs],
    [r.shipped, order.shippedAtMs],
    [r.confirmed, order.confirmedAtMs],
  ];
  const { pledge } = sale;
  const given = order.charity?.minor ?? 0n;
  const parts = pledge === undefined ? [] : shares(pledge, given);
  return (
    <article class="receipt" data-testid="receipt">
      <p class="receipt-brand">
        {r.brand}
        <span class="state-tag" data-state={state}>
          {t.orders.state[state]}
        </span>
      </p>
      <dl class="facts">
        <Fact name={r.number}>
          <code data-testid="receipt-number">{order.id}</code>
        </Fact>
        <Fact name={r.seller}>
          <bdi>{t.room.hostedBy(room.hostName, room.place)}</bdi>
        </Fact>
        <Fact name={r.room}>
          <bdi>{room.title}</bdi>
        </Fact>
      </dl>

      <table class="bill">
        <caption class="unseen">{r.item}</caption>
        <thead>
          <tr>
            <th scope="col">{r.item}</th>
            <th scope="col">{r.quantity}</th>
            <th scope="col">{r.unitPrice}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              <bdi>{order.title}</bdi>
              {sale.unit !== "" && (
                <span class="hint">
                  <bdi>{sale.unit}</bdi>
                </span>
              )}
            </td>
            <td>{count(order.quantity)}</td>
            <td>{order.unitPrice !== undefined && <Amount value={order.unitPrice} />}</td>
          </tr>
        </tbody>
        <tfoot>
          <Sum name={r.total} value={amount(total)} main />
          {back > 0n && <Sum name={r.refunded} value={amount(-back)} />}
          {back > 0n && <Sum name={r.kept} value={amount(total - back)} main />}
        </tfoot>
      </table>
      {order.paymentState === PaymentState.REFUNDING && <p class="order-refund">{t.orders.refunding}</p>}

      <dl class="facts">
        <Fact name={r.payment}>{r.sandbox}</Fact>
        {times.map(([name, atMs]) => (atMs > 0n ? <Fact key={name} name={name}>{stamp(Number(atMs))}</Fact> : null))}
        {order.trackingNumber !== "" && (
          <Fact name={r.parcel}>
            <bdi>{t.orders.tracking(order.carrier, order.trackingNumber)}</bdi>
          </Fact>
        )}
        {order.shipTo !== undefined && (
          <Fact name={r.shipTo}>
            <bdi>{order.shipTo.name}</bdi> <bdi>{order.shipTo.phone}</bdi>
            <br />
            <bdi>{order.shipTo.address}</bdi>
          </Fact>
        )}
      </dl>

      {pledge !== undefined && (
        <section class="receipt-gives">
          <h3>{r.charity}</h3>
          <p class="receipt-given" data-testid="receipt-charity" data-minor={String(given)}>
            <Amount value={amount(given)} />
            <span class="hint">{r.charityLine(money(amount(given)), money(amount(total - back)))}</span>
          </p>
          <dl class="facts">
            {pledge.parts.map((part, at) => (
              <Fragment key={part.projectId}>
                <Fact name={r.project}>
                  <ProjectLink part={part} /> {/* What a refund took of each part is the ledger’s to say. */}
                  {pledge.parts.length > 1 && back === 0n && <Amount value={amount(parts[at] ?? 0n)} />}
                </Fact>
                <Fact name={r.organisation}>
                  <bdi>{part.charityName}</bdi>
                </Fact>
                {part.charityRegistration !== "" && (
                  <Fact name={r.registration}>
                    <code>{part.charityRegistration}</code>
                  </Fact>
                )}
              </Fragment>
            ))}
            <Fact name={r.pledge}>
              <a href={`/pledges/${encodeURIComponent(pledge.id)}`}>{r.pledgeVersion(pledge.id, count(pledge.version))}</a>
            </Fact>
          </dl>
          <p class="hint">{r.note}</p>
          <a class="orders-gave" href="/receipts">
            <Leaf />
            {r.checkIt}
          </a>
        </section>
      )}
      <button type="button" class="primary receipt-print" onClick={() => print()}>
        {r.print}
      </button>
    </article>
  );
}

function Sum(props: { name: string; value: Money; main?: boolean }) {
  return (
    <tr data-main={props.main === true}>
      <th scope="row" colSpan={2}>
        {props.name}
      </th>
      <td>
        <Amount value={props.value} />
      </td>
    </tr>
  );
}
