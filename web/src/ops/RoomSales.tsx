// What is on sale in a room, with what is left, held and sold; and the brake.

import { SaleState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { saleStateName } from "../parts/names";
import { useServerTime } from "../parts/time";
import type { LiveRoom } from "../room/live";
import { apart, clockFace, useWords } from "../text";
import { useActing } from "./Acting";
import { closeSale, pauseSale, resumeSale } from "./record";
import { opsText } from "./text";

const RANK: Record<SaleState, number> = {
  [SaleState.OPEN]: 0,
  [SaleState.SOLD_OUT]: 1,
  [SaleState.PAUSED]: 2,
  [SaleState.SCHEDULED]: 3,
  [SaleState.CLOSED]: 4,
  [SaleState.UNSPECIFIED]: 5,
};

export function RoomSales(props: { live: LiveRoom }) {
  const o = opsText.use();
  const { view } = props.live;
  const sales = [...view.sales.values()].sort((a, b) => RANK[a.state] - RANK[b.state] || Number(b.closesAtMs - a.closesAtMs));
  return (
    <section class="block" aria-labelledby="sales-heading">
      <header class="block-head">
        <h2 id="sales-heading">{o.sales}</h2>
      </header>
      {sales.length === 0 && <p class="hint">{o.salesNone}</p>}
      <ul class="sales">
        {sales.map((sale) => (
          <SaleRow key={sale.id} sale={sale} live={props.live} />
        ))}
      </ul>
    </section>
  );
}

function SaleRow(props: { sale: FlashSale; live: LiveRoom }) {
  const { count } = useWords();
  const o = opsText.use();
  const { may, ask } = useActing();
  const { sale, live } = props;
  const stock = live.view.stocks.get(sale.id);
  const running = sale.state === SaleState.OPEN || sale.state === SaleState.SOLD_OUT;
  const paused = sale.state === SaleState.PAUSED;
  const now = useServerTime(live.view.clock.skewMs, running || paused);
  const state = saleStateName(sale.state);
  const share = (part: number): string => `${sale.stock === 0 ? 0 : (part / sale.stock) * 100}%`;
  const pausing = (): void =>
    ask({
      title: o.acts.pauseSale.title(apart(sale.title)),
      happens: o.acts.pauseSale.happens(count(stock?.held ?? 0)),
      yes: o.acts.pauseSale.yes,
      grave: false,
      act: async (reason) => live.takeSales([await pauseSale(sale.id, reason)]),
      leaves: "pause-sale",
    });
  const resuming = (): void =>
    ask({
      title: o.acts.resumeSale.title(apart(sale.title)),
      happens: o.acts.resumeSale.happens(count(stock?.left ?? sale.left)),
      yes: o.acts.resumeSale.yes,
      grave: false,
      act: async (reason) => live.takeSales([await resumeSale(sale.id, reason)]),
      leaves: "resume-sale",
    });
  const closing = (): void =>
    ask({
      title: o.acts.closeSale.title(apart(sale.title)),
      happens: o.acts.closeSale.happens(count(stock?.left ?? sale.left)),
      yes: o.acts.closeSale.yes,
      grave: true,
      act: async (reason) => live.takeSales([await closeSale(sale.id, reason)]),
      leaves: "close-sale",
    });
  return (
    <li class="sale-row" data-testid="sale-row" data-sale={sale.id} data-state={state}>
      <p class="sale-name">
        <b>
          <bdi>{sale.title}</bdi>
        </b>{" "}
        {sale.price !== undefined && <Amount value={sale.price} />}
      </p>
      <span class="tag" data-tone={sale.state === SaleState.OPEN ? "good" : paused ? "bad" : "soft"}>
        {o.saleStates[state]}
      </span>
      <p class="sale-clock">{(running || paused) && sale.closesAtMs > 0n ? clockFace(Number(sale.closesAtMs) - now) : ""}</p>
      <div class="sale-stock">
        <span class="stack" aria-hidden="true">
          <span class="stack-sold" style={{ width: share(stock?.sold ?? sale.sold) }} />
          <span class="stack-held" style={{ width: share(stock?.held ?? 0) }} />
        </span>
        <span class="hint">{o.stockLine(count(stock?.left ?? sale.left), count(stock?.held ?? 0), count(stock?.sold ?? sale.sold), count(stock?.waiting ?? 0))}</span>
      </div>
      {may && (running || paused) && (
        <div class="sale-acts">
          {running && (
            <button type="button" class="act" data-testid="sale-pause" onClick={pausing}>
              {o.acts.pauseSale.button}
            </button>
          )}
          {paused && (
            <button type="button" class="act" data-testid="sale-resume" onClick={resuming}>
              {o.acts.resumeSale.button}
            </button>
          )}
          <button type="button" class="act grave" data-testid="sale-close" onClick={closing}>
            {o.acts.closeSale.button}
          </button>
        </div>
      )}
    </li>
  );
}
