// The sales of the room with what is left, held and sold, and the two buttons that matter.

import { SaleState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { useServerTime } from "../parts/time";
import type { LiveRoom } from "../room/live";
import { saleFace } from "../room/state";
import { clockFace, useWords } from "../text";
import { useAct } from "./act";
import { closeSale, openSale } from "./changes";
import { Said } from "./Said";
import { hostText } from "./text";

const ORDER: readonly SaleState[] = [SaleState.OPEN, SaleState.SOLD_OUT, SaleState.SCHEDULED, SaleState.CLOSED];

export function SalesDesk(props: { live: LiveRoom }) {
  const h = hostText.use();
  const sales = [...props.live.view.sales.values()].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.id < b.id ? 1 : -1),
  );
  return (
    <section class="panel sales-panel" aria-labelledby="sales-heading">
      <h2 id="sales-heading">{h.sales}</h2>
      {sales.length === 0 && <p class="hint">{h.salesEmpty}</p>}
      <ul class="sale-rows">
        {sales.map((sale) => (
          <SaleRow key={sale.id} live={props.live} sale={sale} />
        ))}
      </ul>
    </section>
  );
}

function SaleRow(props: { live: LiveRoom; sale: FlashSale }) {
  const { count } = useWords();
  const h = hostText.use();
  const { live, sale } = props;
  const act = useAct();
  const now = useServerTime(live.view.clock.skewMs);
  const stock = live.view.stocks.get(sale.id);
  const face = saleFace(sale, stock, now);
  const left = stock?.left ?? sale.left;
  const held = stock?.held ?? 0;
  const sold = stock?.sold ?? sale.sold;
  const share = (units: number): string => `${sale.stock === 0 ? 0 : Math.min(100, (units / sale.stock) * 100)}%`;

  return (
    <li class="sale-row" data-sale={sale.id} data-face={face}>
      <div class="sale-row-top">
        <strong>{sale.title}</strong>
        <span class="state-tag" data-state={face === "open" ? "live" : face}>
          {h.salesState[face]}
        </span>
      </div>
      <div class="sale-row-top">
        {sale.price !== undefined && <Amount value={sale.price} class="sale-row-price" />}
        {(face === "open" || face === "soldOut") && sale.closesAtMs > 0n && <time role="timer">{clockFace(Number(sale.closesAtMs) - now)}</time>}
      </div>
      <span class="stack" aria-hidden="true">
        <span class="stack-sold" style={{ width: share(sold) }} />
        <span class="stack-held" style={{ width: share(held) }} />
      </span>
      <dl class="counts">
        <Count label={h.left} value={count(left)} testId="sale-left" />
        <Count label={h.held} value={count(held)} testId="sale-held" />
        <Count label={h.sold} value={count(sold)} testId="sale-sold" />
        <Count label={h.waiting} value={count(stock?.waiting ?? 0)} testId="sale-waiting" />
      </dl>
      {face === "scheduled" && (
        <button
          type="button"
          class="primary big"
          data-testid="sale-open"
          disabled={act.busy}
          onClick={() => void act.run(async () => live.takeSales([await openSale(sale.id)]), h.created)}
        >
          {h.open}
        </button>
      )}
      {(face === "open" || face === "soldOut") && (
        <button
          type="button"
          class="grave big"
          data-testid="sale-close"
          disabled={act.busy}
          onClick={() => void act.run(async () => live.takeSales([await closeSale(sale.id)]), h.saved)}
        >
          {h.closeSale}
        </button>
      )}
      <Said act={act} />
    </li>
  );
}

function Count(props: { label: string; value: string; testId: string }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd data-testid={props.testId}>{props.value}</dd>
    </div>
  );
}
