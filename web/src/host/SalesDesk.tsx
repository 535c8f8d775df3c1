// The sales of the room: what is on now with all its levers, what is written for later, and what is over, folded.

import { useState } from "preact/hooks";

import { SaleState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { useServerTime } from "../parts/time";
import { saleFace, type SaleFace } from "../room/state";
import { apart, clockFace, useWords } from "../text";
import { useAct } from "./act";
import { Ask } from "./Ask";
import type { Desk } from "./desk";
import type { Rights } from "./rights";
import { Said } from "./Said";
import { StockSheet } from "./StockSheet";
import { hostText } from "./text";
import { changeSaleStock, closeSale, openSale, pauseSale, resumeSale } from "./trade";

const ORDER: Record<SaleFace, number> = { open: 0, paused: 1, soldOut: 2, scheduled: 3, closed: 4 };

export function SalesDesk(props: { desk: Desk; rights: Rights }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, rights } = props;
  const { view } = desk.live;
  const now = useServerTime(view.clock.skewMs);
  const faced = [...view.sales.values()].map((sale) => ({ sale, face: saleFace(sale, view.stocks.get(sale.id), now) }));
  const going = faced.filter(({ face }) => face !== "closed").sort((a, b) => ORDER[a.face] - ORDER[b.face] || (a.sale.id < b.sale.id ? 1 : -1));
  const over = faced.filter(({ face }) => face === "closed").sort((a, b) => (a.sale.id < b.sale.id ? 1 : -1));
  return (
    <section class="panel sales-panel" aria-labelledby="sales-heading" data-empty={going.length === 0}>
      <h2 id="sales-heading">{h.sales}</h2>
      {going.length === 0 && <p class="hint">{rights.sells ? h.salesEmpty : h.salesNone}</p>}
      {going.length > 0 && (
        <ul class="sale-rows">
          {going.map(({ sale, face }) => (
            <SaleRow key={sale.id} desk={desk} rights={rights} sale={sale} face={face} now={now} />
          ))}
        </ul>
      )}
      {over.length > 0 && (
        <details class="sales-over">
          <summary>{h.salesOver(count(over.length))}</summary>
          <ul>
            {over.map(({ sale }) => (
              <li key={sale.id} class="sale-over-row">
                <bdi>{sale.title}</bdi>
                {sale.price !== undefined && <Amount value={sale.price} />}
                <span class="hint">{h.soldOf(count(view.stocks.get(sale.id)?.sold ?? sale.sold), count(sale.stock))}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function SaleRow(props: { desk: Desk; rights: Rights; sale: FlashSale; face: SaleFace; now: number }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, rights, sale, face, now } = props;
  const { live } = desk;
  const act = useAct();
  const [sheet, setSheet] = useState<"stock" | "close">();
  const stock = live.view.stocks.get(sale.id);
  const left = stock?.left ?? sale.left;
  const held = stock?.held ?? 0;
  const sold = stock?.sold ?? sale.sold;
  const share = (units: number): string => `${sale.stock === 0 ? 0 : Math.min(100, (units / sale.stock) * 100)}%`;
  const take = (work: Promise<FlashSale>): Promise<void> => work.then((changed) => live.takeSales([changed]));
  const running = face === "open" || face === "soldOut" || face === "paused";
  const leftMs = Number(sale.closesAtMs) - now;

  return (
    <li class="sale-row" data-sale={sale.id} data-face={face} data-testid="sale-row">
      <div class="sale-row-top">
        <strong>
          <bdi>{sale.title}</bdi>
        </strong>
        <span class="state-tag" data-state={face === "open" ? "live" : face}>
          {h.salesState[face]}
        </span>
      </div>
      <div class="sale-row-top">
        <span>
          {sale.price !== undefined && <Amount value={sale.price} class="sale-row-price" />}{" "}
          {sale.listPrice !== undefined && sale.listPrice.minor > (sale.price?.minor ?? 0n) && (
            <s class="hint">
              <Amount value={sale.listPrice} />
            </s>
          )}
        </span>
        {running && sale.closesAtMs > 0n && (
          <time role="timer" class="sale-row-time" data-hurry={leftMs < 60_000}>
            {clockFace(leftMs)}
          </time>
        )}
      </div>
      <span class="stack" aria-hidden="true">
        <span class="stack-sold" style={{ width: share(sold) }} />
        <span class="stack-held" style={{ width: share(held) }} />
      </span>
      <dl class="counts">
        <Count label={h.left} value={count(left)} testId="sale-left" />
        <Count label={h.held} value={count(held)} testId="sale-held" mark="held" />
        <Count label={h.sold} value={count(sold)} testId="sale-sold" mark="sold" />
        <Count label={h.waiting} value={count(stock?.waiting ?? 0)} testId="sale-waiting" />
      </dl>
      {face === "scheduled" && rights.runs && (
        <button type="button" class="primary big" data-testid="sale-open" disabled={act.busy} onClick={() => void act.run(() => take(openSale(sale.id)), h.created)}>
          {h.open}
        </button>
      )}
      {running && rights.runs && (
        <div class="sale-levers">
          {sale.state === SaleState.PAUSED ? (
            <button type="button" class="primary" data-testid="sale-resume" disabled={act.busy} onClick={() => void act.run(() => take(resumeSale(sale.id)), h.saleResumed)}>
              {h.resumeSale}
            </button>
          ) : (
            <button type="button" class="quiet" data-testid="sale-pause" disabled={act.busy} onClick={() => void act.run(() => take(pauseSale(sale.id)), h.salePaused)}>
              {h.pauseSale}
            </button>
          )}
          {rights.sells && (
            <button type="button" class="quiet" data-testid="sale-stock" onClick={() => setSheet("stock")}>
              {h.changeUnits}
            </button>
          )}
          <button type="button" class="grave" data-testid="sale-close" disabled={act.busy} onClick={() => setSheet("close")}>
            {h.closeSale}
          </button>
        </div>
      )}
      <Said act={act} />
      {sheet === "close" && (
        <Ask
          title={h.closeSure(apart(sale.title))}
          hint={h.closeHint(count(left), count(held))}
          yes={h.yesClose}
          no={h.keepSelling}
          testId="sale-close-sure"
          onNo={() => setSheet(undefined)}
          onYes={() => {
            setSheet(undefined);
            void act.run(() => take(closeSale(sale.id)), h.saleClosed);
          }}
        />
      )}
      {sheet === "stock" && (
        <StockSheet
          title={h.stockSheet.ofSale(apart(sale.title))}
          now={h.stockSheet.saleNow(count(sale.stock), count(left))}
          least={-Math.min(left, sale.stock - 1)}
          most={desk.good(sale.sku).onHand}
          leastHint={h.stockSheet.saleLeast(count(left), count(held + sold))}
          mostHint={(onHand) => h.stockSheet.saleMost(onHand)}
          onClose={() => setSheet(undefined)}
          change={async (by) => {
            const changed = await changeSaleStock(sale.id, by);
            live.takeSales([changed]);
          }}
        />
      )}
    </li>
  );
}

function Count(props: { label: string; value: string; testId: string; mark?: "held" | "sold" }) {
  return (
    <div>
      <dt data-mark={props.mark}>{props.label}</dt>
      <dd data-testid={props.testId}>{props.value}</dd>
    </div>
  );
}
