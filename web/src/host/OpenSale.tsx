// The second tap of a flash sale: what was planned is checked against fresh numbers, can still be changed, and goes on.

import { useEffect, useState } from "preact/hooks";

import type { RunSheetItem } from "../gen/apricot/v1/room_pb";
import { titlesOf } from "../parts/Gifts";
import { problemText } from "../parts/names";
import { Sheet } from "../parts/Sheet";
import { useServerTime } from "../parts/time";
import { apart, clockFace, useWords } from "../text";
import { Refused } from "../wire/refused";
import { useAct } from "./act";
import { readRoom } from "./changes";
import { checksOf, type Checks, type Fresh, type Mark } from "./checks";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { Tick, Warning } from "./signs";
import { Cross } from "../parts/signs";
import { draftOf, readDraft, saleOf, type Draft, type Mistakes } from "./terms";
import { TermsFields } from "./TermsFields";
import { hostText } from "./text";
import { createSale, readPledge, readProducts, readSales } from "./trade";

const NO_MISTAKES: Mistakes = new Set();

export function OpenSale(props: { desk: Desk; sku: string; item: RunSheetItem | undefined; onClose: () => void }) {
  const { t } = useWords();
  const h = hostText.use();
  const { desk, sku, item } = props;
  const { live } = desk;
  const act = useAct();
  const good = desk.good(sku);
  const [draft, setDraft] = useState<Draft>(() => draftOf(item, good.price, good.onHand));
  const [fresh, setFresh] = useState<Fresh>();
  const [failed, setFailed] = useState("");
  const now = useServerTime(live.view.clock.skewMs);

  // Nothing from memory: what is checked is read now, and again when another pledge is chosen.
  useEffect(() => {
    let current = true;
    setFailed("");
    readFresh(desk, sku, draft.pledgeId).then(
      (value) => current && setFresh(value),
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        if (current) setFailed(problemText(t, error.problem));
      },
    );
    return () => {
      current = false;
    };
  }, [sku, draft.pledgeId]);

  const read = readDraft(draft);
  const checks = fresh === undefined || !("terms" in read) ? undefined : checksOf(read.terms, fresh, now);
  const product = fresh?.product;
  const mistakes = "mistakes" in read ? read.mistakes : NO_MISTAKES;

  const open = async (openNow: boolean): Promise<void> => {
    if (!("terms" in read) || product === undefined) return;
    const wish = saleOf(sku, read.terms, product.price?.currency ?? "CNY", openNow);
    const done = await act.run(
      async () => live.takeSales([await createSale(live.roomId, wish)]),
      "",
      (problem) => (problem.type === "stock-short" ? h.checks.short(problem.bound) : undefined),
    );
    if (done) props.onClose();
    else readFresh(desk, sku, draft.pledgeId).then(setFresh, () => undefined);
  };

  return (
    <Sheet label={h.checks.heading(apart(good.title))} testId="open-sale" onClose={props.onClose}>
      <header class="sheet-head">
        <p class="hint">{h.checks.over}</p>
        <h2>
          <bdi>{good.title}</bdi>
        </h2>
        {item !== undefined && item.note !== "" && <p class="say-note"><bdi>{item.note}</bdi></p>}
      </header>
      {checks !== undefined && fresh !== undefined ? (
        <CheckList checks={checks} fresh={fresh} draft={draft} now={now} onDraft={setDraft} />
      ) : (
        <p class="checks-wait" role="status" data-wrong={failed !== ""}>
          {failed !== "" ? failed : mistakes.size > 0 ? h.checks.unfinished : h.checks.reading}
        </p>
      )}
      <TermsFields draft={draft} mistakes={mistakes} everyday={product?.price ?? good.price} onHand={product?.onHand} pledges={desk.pledges} onChange={setDraft} />
      <div class="sheet-foot">
        <Said act={act} />
        <button type="button" class="primary big" data-testid="sale-create" disabled={act.busy || checks?.mayOpen !== true} onClick={() => void open(true)}>
          {h.create}
        </button>
        <button type="button" class="plain" data-testid="sale-create-later" disabled={act.busy || checks?.mayOpen !== true} onClick={() => void open(false)}>
          {h.createLater}
        </button>
      </div>
    </Sheet>
  );
}

async function readFresh(desk: Desk, sku: string, pledgeId: string): Promise<Fresh> {
  const pledge = async () => {
    if (pledgeId === "") return undefined;
    try {
      return await readPledge(pledgeId);
    } catch (error) {
      if (error instanceof Refused && error.problem.type === "not-found") return undefined;
      throw error;
    }
  };
  const { roomId } = desk.live;
  const [products, sales, promised, room] = await Promise.all([readProducts(), readSales(roomId), pledge(), readRoom(roomId)]);
  desk.takeProducts(products);
  desk.takeRoom(room);
  return { product: products.find((known) => known.sku === sku), sales, pledge: promised, roomState: room.state };
}

function CheckList(props: { checks: Checks; fresh: Fresh; draft: Draft; now: number; onDraft: (draft: Draft) => void }) {
  const { t, count, money, moment, percent } = useWords();
  const h = hostText.use();
  const { checks, fresh, draft, now } = props;
  const { stock, price, pledge, others, air } = checks;
  const everyday = fresh.product?.price;
  const promise = fresh.pledge;
  const [other] = others.open;
  return (
    <ul class="checks" aria-label={h.checks.label} data-testid="checks">
      <Check name="stock" mark={stock.mark} words={stock.mark === "good" ? h.checks.stockGood(count(stock.onHand)) : h.checks.stockBad(count(stock.onHand))}>
        {stock.mark === "bad" && stock.onHand > 0 && (
          <button type="button" class="chip" onClick={() => props.onDraft({ ...draft, stock: String(stock.onHand) })}>
            {h.checks.stockUse(count(stock.onHand))}
          </button>
        )}
      </Check>
      <Check name="price" mark={price.mark} words={everyday === undefined ? h.checks.priceUnknown : h.checks.price[price.how](money(everyday))} />
      <Check
        name="pledge"
        mark={pledge.mark}
        words={
          pledge.how === "runs" && promise !== undefined
            ? h.checks.pledgeRuns(titlesOf(t, promise), promise.sharePpm > 0 ? percent(promise.sharePpm) : "", promise.endsAtMs > 0n ? moment(Number(promise.endsAtMs), now) : "")
            : h.checks.pledge[pledge.how]
        }
      >
        {pledge.mark === "bad" && (
          <button type="button" class="chip" onClick={() => props.onDraft({ ...draft, pledgeId: "" })}>
            {h.checks.pledgeDrop}
          </button>
        )}
      </Check>
      <Check
        name="others"
        mark={others.mark}
        words={
          other === undefined
            ? h.checks.othersNone
            : others.same
              ? h.checks.othersSame
              : h.checks.othersOpen(apart(other.title), other.closesAtMs > 0n ? clockFace(Number(other.closesAtMs) - now) : "")
        }
      />
      <Check name="air" mark={air.mark} words={h.checks.air[air.mark]} />
    </ul>
  );
}

function Check(props: { name: string; mark: Mark; words: string; children?: preact.ComponentChildren }) {
  const h = hostText.use();
  const { mark } = props;
  return (
    <li class="check" data-check={props.name} data-mark={mark}>
      <span class="check-mark">
        {mark === "good" ? <Tick /> : mark === "warn" ? <Warning /> : <Cross />}
        <span class="unseen">{h.checks.marks[mark]}</span>
      </span>
      <span>{props.words}</span>
      {props.children}
    </li>
  );
}
