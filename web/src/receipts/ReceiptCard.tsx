// One receipt: what it gave, how far that has come, and every way to check it.

import { useState } from "preact/hooks";

import type { Order } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { ProjectName } from "../parts/Gifts";
import { QrCode } from "../parts/QrCode";
import { Skeleton } from "../parts/Still";
import { apart, useWords } from "../text";
import { addressOfLeaf, handOver } from "../verify/address";
import { Refused } from "../wire/refused";
import { file } from "../wire/rest";
import type { Paper, Reading } from "./shelf";
import { sum } from "./sums";
import { receiptsText } from "./text";
import type { Titles } from "./titles";

export function ReceiptCard(props: { order: Order; reading: Reading; titles: Titles; withCode: boolean; onAgain: () => void }) {
  const r = receiptsText.use();
  const { t, stamp, money } = useWords();
  const { order, reading } = props;
  return (
    <li class="paper receipt-card" data-testid="receipt" data-order={order.id} data-standing={reading.kind === "read" ? reading.gift.standing : reading.kind}>
      <div class="receipt-top">
        <h3>
          <bdi>{order.title}</bdi>
        </h3>
        {reading.kind === "read" && (
          <span class="state-tag" data-state={reading.gift.standing === "confirmed" ? "confirmed" : reading.gift.standing === "accrued" ? "held" : "past"}>
            {r.state[reading.gift.standing]}
          </span>
        )}
      </div>
      <p class="hint">
        {r.paidAt(stamp(Number(order.paidAtMs)))}
        {order.total !== undefined && ` · ${r.paid(money(order.total))}`}
        {order.refunded !== undefined && order.refunded.minor > 0n && ` · ${r.refunded(money(order.refunded))}`}
      </p>
      {reading.kind === "reading" && <Skeleton lines={2} />}
      {reading.kind === "failed" && (
        <p class="wrong" role="alert">
          {r.receiptFailed}
          <button type="button" class="plain" onClick={props.onAgain}>
            {t.tryAgain}
          </button>
        </p>
      )}
      {reading.kind === "read" && <Inside order={order} paper={reading} titles={props.titles} withCode={props.withCode} />}
    </li>
  );
}

function Inside(props: { order: Order; paper: Paper; titles: Titles; withCode: boolean }) {
  const r = receiptsText.use();
  const { t, money } = useWords();
  const { order, paper } = props;
  const { gift, receipt, text } = paper;
  const { currency } = gift;
  const [isOpen, setOpen] = useState(false);
  const [wrong, setWrong] = useState("");
  const reversed = sum(gift.parts, (part) => part.reversed);
  const matched = sum(gift.parts, (part) => part.matched);
  const given = sum(gift.parts, (part) => part.accrued) - reversed;

  const saveProof = async (): Promise<void> => {
    try {
      save(await file("/v1/orders/{order}/proof", { order: order.id }), `${order.id}.tlog-proof`);
      setWrong("");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setWrong(error.problem.detail || t.unknown);
    }
  };
  return (
    <>
      {gift.parts.length > 0 && (
        <div class="receipt-gift" data-testid="gift" data-minor={String(given)}>
          <Amount value={{ minor: given, currency }} class="charity-big" />
          <ul>
            {gift.parts.map((part) => (
              <li key={part.project}>
                <ProjectName project={part.project} title={props.titles.get(part.project)} />
                {gift.parts.length > 1 && <Amount value={{ minor: part.accrued - part.reversed, currency }} />}
              </li>
            ))}
          </ul>
        </div>
      )}
      {reversed > 0n && <p class="receipt-back">{r.partReversed(money({ minor: reversed, currency }))}</p>}
      {matched > 0n && (
        <p class="receipt-matched">
          {r.matched} <Amount value={{ minor: matched, currency }} /> <span class="hint">{r.matchedHint}</span>
        </p>
      )}
      <div class="receipt-acts unprinted">
        <a class="primary act" href="/verify#handed" data-testid="check-now" onClick={() => void handOver(text)}>
          {r.check}
        </a>
        <button type="button" class="quiet" data-testid="code" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {r.code}
        </button>
        <button type="button" class="quiet" data-testid="save-receipt" aria-label={r.downloadLabel(apart(order.title))} onClick={() => save(new Blob([text], { type: "application/json" }), `${order.id}.json`)}>
          {r.download}
        </button>
        {gift.leaf !== undefined && (
          <button type="button" class="quiet" data-testid="save-proof" aria-label={r.proofLabel(apart(order.title))} onClick={() => void saveProof()}>
            {r.downloadProof}
          </button>
        )}
      </div>
      {wrong !== "" && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
      {(isOpen || props.withCode) &&
        (gift.leaf === undefined ? (
          <p class="hint">{r.codeWaits}</p>
        ) : (
          <figure class="receipt-code">
            <QrCode link={`${location.origin}${addressOfLeaf(gift.leaf, receipt.commitment)}`} label={r.codeOf(apart(order.title))} failed={r.codeFailed} />
            <figcaption class="hint">
              {r.codeHint} <a href={addressOfLeaf(gift.leaf, receipt.commitment)}>{r.check}</a>
            </figcaption>
          </figure>
        ))}
    </>
  );
}

function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // After the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
