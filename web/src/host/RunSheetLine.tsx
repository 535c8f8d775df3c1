// One line of the run sheet: the product, its plan, and what can be done with it.

import type { RunSheetItem } from "../gen/apricot/v1/room_pb";
import { Amount } from "../parts/Amount";
import { drawingOf } from "../parts/drawings";
import { Titles } from "../parts/Gifts";
import { Photo } from "../parts/Photo";
import { Leaf, Pin } from "../parts/signs";
import { saleFace } from "../room/state";
import { apart, useWords } from "../text";
import type { Desk } from "./desk";
import type { Rights } from "./rights";
import { Bolt, Down, Grip, Pencil, Up } from "./signs";
import { hostText } from "./text";
import type { Drag } from "./useDrag";

export function RunSheetLine(props: {
  desk: Desk;
  rights: Rights;
  item: RunSheetItem;
  at: number;
  of: number;
  pinned: boolean;
  busy: boolean;
  drag: Drag;
  onMove: (to: number, focus: string) => void;
  onPin: () => void;
  onPlan: () => void;
  onSale: () => void;
}) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, rights, item, at, of, drag } = props;
  const { view } = desk.live;
  const good = desk.good(item.sku);
  const price = item.price ?? good.price;
  const cheaper = item.price !== undefined && good.price !== undefined && item.price.minor < good.price.minor;
  const pledge = desk.pledges?.find(({ id }) => id === item.pledgeId);
  const nowMs = Date.now() + view.clock.skewMs;
  const running = [...view.sales.values()].find(
    (sale) => sale.sku === item.sku && ["open", "paused", "soldOut"].includes(saleFace(sale, view.stocks.get(sale.id), nowMs)),
  );
  const face = running === undefined ? undefined : saleFace(running, view.stocks.get(running.id), nowMs);
  const sold = [...view.sales.values()].filter(({ sku }) => sku === item.sku).reduce((sum, sale) => sum + (view.stocks.get(sale.id)?.sold ?? sale.sold), 0);
  const short = good.onHand !== undefined && item.stock > good.onHand && running === undefined;
  const key = (to: string): string => `${to}/${item.sku}`;

  return (
    <li
      class="sheet-line"
      data-testid="sheet-line"
      data-sku={item.sku}
      data-dragged={drag.from === at}
      style={{ transform: drag.shiftOf(at) }}
    >
      <button
        type="button"
        class="grip"
        aria-label={h.sheet.grip(apart(good.title), count(at + 1), count(of))}
        data-testid="sheet-grip"
        data-focus={key("grip")}
        onPointerDown={(event) => drag.start(event, at)}
        onKeyDown={(event) => {
          const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
          if (by === 0) return;
          event.preventDefault();
          props.onMove(at + by, key("grip"));
        }}
      >
        <Grip />
      </button>
      <Photo src={good.imageUrl} drawing={drawingOf(good.title)} class="sheet-photo" />
      <div class="sheet-words">
        <strong>
          <bdi>{good.title}</bdi>
        </strong>
        <p class="sheet-price">
          {price !== undefined && <Amount value={price} class={cheaper ? "sheet-cheaper" : ""} />}
          {cheaper && good.price !== undefined && (
            <s>
              <span class="unseen">{h.terms.everydayLabel}</span>
              <Amount value={good.price} />
            </s>
          )}
        </p>
        <p class="hint sheet-terms">
          {[
            ...(item.stock > 0 ? [h.sheet.units(count(item.stock))] : []),
            ...(item.limitPerBuyer > 0 ? [h.sheet.each(count(item.limitPerBuyer))] : []),
            ...(item.durationSeconds > 0 ? [h.sheet.minutes(count(Math.round(item.durationSeconds / 60)))] : []),
            ...(good.onHand === undefined ? [] : [h.onHand(count(good.onHand))]),
          ].map((part) => (
            <span key={part}>{part}</span>
          ))}
          {sold > 0 && <b class="sheet-sold">{h.sheet.sold(count(sold))}</b>}
        </p>
        {item.pledgeId !== "" && (
          <p class="sheet-pledge">
            <Leaf />
            {pledge === undefined ? h.sheet.withPledge : <Titles pledge={pledge} />}
          </p>
        )}
        {short && <p class="wrong">{h.sheet.short}</p>}
      </div>
      {rights.sells && (
        <button type="button" class="round sheet-edit" aria-label={h.sheet.edit(apart(good.title))} data-testid="sheet-edit" onClick={props.onPlan}>
          <Pencil />
        </button>
      )}
      {item.note !== "" && <p class="say-note"><bdi>{item.note}</bdi></p>}
      <div class="sheet-acts">
        {running !== undefined && face !== undefined && face !== "closed" ? (
          <span class="sheet-running" data-face={face}>
            <span class="state-tag" data-state={face === "open" ? "live" : face}>
              {h.salesState[face]}
            </span>
            {h.sheet.left(count(view.stocks.get(running.id)?.left ?? running.left))}
          </span>
        ) : (
          rights.sells && (
            <button type="button" class="primary sheet-sale" data-testid="sheet-sale" onClick={props.onSale}>
              <Bolt />
              {h.sheet.sale}
            </button>
          )
        )}
        <button type="button" class="pin" aria-pressed={props.pinned} data-testid="sheet-pin" disabled={props.busy} onClick={props.onPin}>
          <Pin />
          <span class="pin-words">{props.pinned ? h.sheet.pinned : h.sheet.pinShort}</span>
          <bdi class="unseen">{good.title}</bdi>
        </button>
        <button
          type="button"
          class="round"
          aria-label={h.sheet.up(apart(good.title))}
          data-testid="sheet-up"
          data-focus={key("up")}
          disabled={at === 0}
          onClick={() => props.onMove(at - 1, at - 1 === 0 ? key("down") : key("up"))}
        >
          <Up />
        </button>
        <button
          type="button"
          class="round"
          aria-label={h.sheet.down(apart(good.title))}
          data-testid="sheet-down"
          data-focus={key("down")}
          disabled={at === of - 1}
          onClick={() => props.onMove(at + 1, at + 1 === of - 1 ? key("up") : key("down"))}
        >
          <Down />
        </button>
      </div>
    </li>
  );
}
