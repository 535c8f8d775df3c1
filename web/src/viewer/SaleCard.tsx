// The flash sale: what, for how much, how many are left, how long still, and one button.

import { useEffect, useState } from "preact/hooks";

import { OrderState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { Photo } from "../parts/Photo";
import { Minus, Plus } from "../parts/signs";
import { useServerTime } from "../parts/time";
import type { LiveRoom } from "../room/live";
import { openOrderOf, saleFace } from "../room/state";
import { apart, clockFace, useWords } from "../text";
import { DonationLabel } from "./DonationLabel";

const FEW = 5;
const HURRY_MS = 30_000;

export function SaleCard(props: { live: LiveRoom; sale: FlashSale; onBuy: (quantity: number, wait: boolean) => void; onOrder: (orderId: string) => void }) {
  const { t, count, money } = useWords();
  const { live, sale } = props;
  const { view } = live;
  const now = useServerTime(view.clock.skewMs);
  const stock = view.stocks.get(sale.id);
  const face = saleFace(sale, stock, now);
  const left = face === "closed" ? 0 : Math.min(stock?.left ?? sale.left, sale.stock);
  const mine = openOrderOf(view, sale.id);
  const [quantity, setQuantity] = useState(1);
  const most = Math.max(1, Math.min(sale.limitPerBuyer, left));
  useEffect(() => setQuantity((wanted) => Math.min(wanted, most)), [most]);

  return (
    <article class="sale" data-testid="sale-card" data-sale={sale.id} data-face={face}>
      <div class="sale-top">
        <span class="sale-tag">{t.sale.tag}</span>
        <Countdown sale={sale} face={face} now={now} />
      </div>
      <div class="sale-body">
        <Photo src={sale.imageUrl} drawing={drawingOf(sale.title)} class="sale-photo" />
        <div class="sale-words">
          <h2>
            <bdi>{sale.title}</bdi>
          </h2>
          <p class="hint">
            {[apart(sale.unit), sale.limitPerBuyer > 0 ? t.sale.limit(count(sale.limitPerBuyer)) : ""].filter((part) => part !== "").join(" · ")}
          </p>
          <p class="prices">
            {sale.price !== undefined && (
              <>
                <span class="unseen">{t.sale.price}</span>
                <Amount value={sale.price} class="price" />
              </>
            )}
            {sale.listPrice !== undefined && sale.listPrice.minor > (sale.price?.minor ?? 0n) && (
              <s>
                <span class="unseen">{t.sale.listPrice}</span>
                {money(sale.listPrice)}
              </s>
            )}
          </p>
        </div>
      </div>
      {face !== "closed" && face !== "scheduled" && (
        <div class="left" data-few={left <= FEW}>
          <span class="left-bar" aria-hidden="true">
            <span style={{ width: `${sale.stock === 0 ? 0 : (left / sale.stock) * 100}%` }} />
          </span>
          <span class="left-words" data-testid="sale-left" data-left={left}>
            {face === "soldOut" ? t.sale.soldOut : left <= FEW ? t.sale.lastFew(count(left)) : t.sale.left(count(left), count(sale.stock))}
          </span>
        </div>
      )}
      <div class="sale-act">
        {mine !== undefined ? (
          <button type="button" class={`${mine.state === OrderState.HELD ? "primary" : "quiet"} sale-buy`} onClick={() => props.onOrder(mine.id)}>
            {mine.state === OrderState.HELD ? t.sale.continuePaying : t.sale.waitingAt(count(mine.waitingPlace))}
          </button>
        ) : face === "open" ? (
          <>
            {most > 1 && (
              <span class="stepper">
                <button type="button" class="round" aria-label={t.sale.fewer} disabled={quantity <= 1} onClick={() => setQuantity(quantity - 1)}>
                  <Minus />
                </button>
                <output aria-live="polite">{count(quantity)}</output>
                <button type="button" class="round" aria-label={t.sale.more} disabled={quantity >= most} onClick={() => setQuantity(quantity + 1)}>
                  <Plus />
                </button>
              </span>
            )}
            <button
              type="button"
              class="primary sale-buy"
              data-testid="buy"
              disabled={live.link.kind !== "live"}
              onClick={() => props.onBuy(quantity, false)}
            >
              {quantity > 1 ? t.sale.buyMany(count(quantity)) : t.sale.buy}
            </button>
          </>
        ) : face === "soldOut" ? (
          <button
            type="button"
            class="quiet sale-buy"
            data-testid="wait"
            disabled={live.link.kind !== "live"}
            onClick={() => props.onBuy(1, true)}
          >
            {t.sale.wait}
          </button>
        ) : (
          <p class="sale-over">
            {face === "closed" ? t.sale.closedSold(count(stock?.sold ?? sale.sold)) : face === "paused" ? t.sale.paused : t.sale.opensSoon}
          </p>
        )}
      </div>
      {face === "soldOut" && mine === undefined && <p class="sale-foot">{t.sale.soldOutHint}</p>}
      {face === "paused" && mine === undefined && <p class="sale-foot">{t.sale.pausedHint}</p>}
      {sale.pledge !== undefined && sale.price !== undefined && (
        <DonationLabel
          pledge={sale.pledge}
          total={view.charity.get(sale.pledge.id)}
          paid={sale.price.minor * BigInt(quantity)}
          quantity={quantity}
          currency={sale.price.currency}
          host={view.room?.hostName ?? ""}
          now={now}
          testId="sale-gives"
        />
      )}
    </article>
  );
}

function Countdown(props: { sale: FlashSale; face: ReturnType<typeof saleFace>; now: number }) {
  const { t } = useWords();
  const { sale, face, now } = props;
  if (face === "closed") return <span class="countdown">{t.sale.closed}</span>;
  const endMs = Number(face === "scheduled" ? sale.opensAtMs : sale.closesAtMs);
  if (endMs === 0) return face === "scheduled" ? <span class="countdown">{t.sale.opensSoon}</span> : null;
  const leftMs = endMs - now;
  return (
    <span class="countdown" data-hurry={face !== "scheduled" && leftMs < HURRY_MS}>
      {face === "scheduled" ? t.sale.opensIn : t.sale.endsIn} <time role="timer">{clockFace(leftMs)}</time>
    </span>
  );
}
