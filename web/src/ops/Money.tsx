// Money on its way and money that arrived: holds about to run out, payments, the ledger, and the sandbox's behaviour.

import { useCallback, useEffect, useState } from "preact/hooks";

import type { Account, OpenHold, PaymentRow, TrialBalance } from "../gen/apricot/v1/ops_pb";
import { PaymentState, type Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { declineText, problemText } from "../parts/names";
import { Skeleton } from "../parts/Still";
import { useServerTime } from "../parts/time";
import { clockFace, useWords } from "../text";
import { useActing } from "./Acting";
import type { Feed } from "./feed";
import { Knobs } from "./Knobs";
import { accountName, paymentStateName } from "./names";
import { usePaged } from "./paged";
import { usePolled } from "./polled";
import { readHolds, readPayments } from "./record";
import { FindOrder, OrderSheet } from "./RoomOrders";
import { Table, type Column } from "./Table";
import { opsText } from "./text";

const HOLDS_EVERY_MS = 2_000;
const PAYMENTS_EVERY_MS = 5_000;
/** A hold with less than this left is nearly gone. */
const NEAR_MS = 15_000;

export function Money(props: { feed: Feed; balance: TrialBalance | undefined }) {
  const o = opsText.use();
  const { may } = useActing();
  const [order, setOrder] = useState<Order>();
  return (
    <>
      <section class="block slim" aria-labelledby="find-heading">
        <header class="block-head">
          <h2 id="find-heading">{o.findHeading}</h2>
          <FindOrder onFound={setOrder} />
        </header>
        {order !== undefined && <OrderSheet order={order} onClose={() => setOrder(undefined)} />}
      </section>
      <div class="pair">
        <Holds feed={props.feed} />
        <Payments />
      </div>
      <Balance accounts={props.balance?.accounts ?? []} />
      {may && <Knobs />}
    </>
  );
}

function Holds(props: { feed: Feed }) {
  const { t, count } = useWords();
  const o = opsText.use();
  const holds = usePolled(readHolds, HOLDS_EVERY_MS);
  const now = useServerTime(props.feed.skewMs);
  const columns: readonly Column<OpenHold>[] = [
    {
      id: "what",
      head: o.holdOf,
      words: true,
      cell: ({ title, quantity, buyerId }) => (
        <>
          <bdi>{title}</bdi> × {count(quantity)}
          <bdi class="hint">{buyerId}</bdi>
        </>
      ),
    },
    { id: "room", head: o.room, words: true, cell: ({ roomId }) => <a href={`#room=${roomId}`}>{roomId}</a> },
    {
      id: "left",
      head: o.timeLeft,
      cell: ({ expiresAtMs, paying }) => {
        const leftMs = Number(expiresAtMs) - now;
        return (
          <span class="hold-left" data-near={leftMs < NEAR_MS && !paying}>
            {leftMs <= 0 ? o.over : clockFace(leftMs)}
            {paying && <span class="tag" data-tone="soft">{o.paying}</span>}
          </span>
        );
      },
    },
  ];
  return (
    <section class="block" aria-labelledby="holds-heading">
      <header class="block-head">
        <h2 id="holds-heading">{o.holds}</h2>
        {holds.value !== undefined && <p class="hint">{count(holds.value.holds.length)}</p>}
      </header>
      {holds.problem !== undefined && <p class="wrong">{problemText(t, holds.problem)}</p>}
      {holds.value === undefined && holds.problem === undefined && <Skeleton lines={5} />}
      {holds.value?.holds.length === 0 && <p class="hint">{o.holdsNone}</p>}
      {holds.value !== undefined && holds.value.holds.length > 0 && <Table label={o.holds} columns={columns} rows={holds.value.holds} keyOf={({ orderId }) => orderId} testId="holds" />}
    </section>
  );
}

const TONES: Partial<Record<PaymentState, string>> = { [PaymentState.CAPTURED]: "good", [PaymentState.DECLINED]: "bad" };

const askPayments = async (cursor: string): Promise<{ items: readonly PaymentRow[]; next: string }> => {
  const { payments, nextCursor } = await readPayments(cursor);
  return { items: payments, next: nextCursor };
};

function Payments() {
  const { t, moment } = useWords();
  const o = opsText.use();
  const { done } = useActing();
  const payments = usePaged(useCallback(askPayments, []), ({ id }) => id, PAYMENTS_EVERY_MS);
  useEffect(() => payments.look(), [done]);
  const columns: readonly Column<PaymentRow>[] = [
    {
      id: "payment",
      head: o.paymentOf,
      words: true,
      cell: ({ createdAtMs, orderId }) => (
        <>
          {moment(Number(createdAtMs), Date.now())}
          <span class="hint">{orderId}</span>
        </>
      ),
    },
    {
      id: "state",
      head: o.state,
      words: true,
      cell: ({ state, reason }) => (
        <>
          <span class="tag" data-tone={TONES[state] ?? "soft"}>
            {o.paymentStates[paymentStateName(state)]}
          </span>
          {reason !== "" && <span class="hint">{declineText(t, reason)}</span>}
        </>
      ),
    },
    { id: "amount", head: o.amount, cell: ({ amountMinor, currency }) => <Amount value={{ minor: amountMinor, currency }} /> },
  ];
  return (
    <section class="block" aria-labelledby="payments-heading">
      <header class="block-head">
        <h2 id="payments-heading">{o.payments}</h2>
      </header>
      {payments.problem !== undefined && <p class="wrong">{problemText(t, payments.problem)}</p>}
      {payments.items === undefined && payments.problem === undefined && <Skeleton lines={5} />}
      {payments.items?.length === 0 && <p class="hint">{o.paymentsNone}</p>}
      {payments.items !== undefined && payments.items.length > 0 && <Table label={o.payments} columns={columns} rows={payments.items} keyOf={({ id }) => id} testId="payments" />}
      {payments.more !== undefined && (
        <button type="button" class="quiet" onClick={payments.more}>
          {t.more}
        </button>
      )}
    </section>
  );
}

function AccountName(props: { name: string }) {
  const { kind, owner } = accountName(opsText.use(), props.name);
  return (
    <>
      {kind}
      {owner !== "" && <bdi class="hint">{owner}</bdi>}
    </>
  );
}

/** The whole trial balance: who is owed what. */
function Balance(props: { accounts: readonly Account[] }) {
  const o = opsText.use();
  if (props.accounts.length === 0) return null;
  const money = (of: (account: Account) => bigint, bold = false) => (account: Account) => <Amount value={{ minor: of(account), currency: account.currency }} class={bold ? "balance" : ""} />;
  const columns: readonly Column<Account>[] = [
    { id: "account", head: o.account, words: true, by: ({ name }) => name, cell: ({ name }) => <AccountName name={name} /> },
    { id: "debits", head: o.debits, by: ({ debitsMinor }) => debitsMinor, cell: money(({ debitsMinor }) => debitsMinor) },
    { id: "credits", head: o.credits, by: ({ creditsMinor }) => creditsMinor, cell: money(({ creditsMinor }) => creditsMinor) },
    { id: "balance", head: o.balanceOf, by: ({ balanceMinor }) => balanceMinor, cell: money(({ balanceMinor }) => balanceMinor, true) },
  ];
  return (
    <section class="block" aria-labelledby="ledger-heading">
      <header class="block-head">
        <h2 id="ledger-heading">{o.ledger}</h2>
      </header>
      <Table label={o.ledger} columns={columns} rows={props.accounts} keyOf={({ name, currency }) => `${name} ${currency}`} testId="accounts" />
    </section>
  );
}
