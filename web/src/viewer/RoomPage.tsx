// One live room, whole: what is drawn where, and which sheet is open.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { OrderState } from "../gen/apricot/v1/sale_pb";
import { CharityStrip, givingsOf } from "../parts/Charity";
import { Connection } from "../parts/Connection";
import { useLater } from "../parts/Later";
import { roomStateName } from "../parts/names";
import { LanguageSwitch, useTitle } from "../parts/page";
import { Sheet } from "../parts/Sheet";
import { Parcel } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { useServerTime } from "../parts/time";
import { LiveRoom, useLive } from "../room/live";
import { isGuest, isPaying, ordersOf, salesToShow } from "../room/state";
import { clockFace, useWords } from "../text";
import { token } from "../wire/address";
import { BuySheet } from "./BuySheet";
import { ChatBar, ChatLog } from "./Chat";
import { HeartButton, Hearts } from "./Hearts";
import { ProductCards } from "./ProductCards";
import { SaleCard } from "./SaleCard";
import { Stage } from "./Stage";
import { TopBar } from "./TopBar";

type Open = { readonly kind: "order"; readonly orderId: string } | { readonly kind: "orders" } | undefined;

const ROOMY = "(min-width: 900px) and (min-height: 900px)";

export function RoomPage(props: { roomId: string }) {
  const { t } = useWords();
  const live = useLive(useMemo(() => new LiveRoom(props.roomId), [props.roomId]));
  const { view } = live;
  const [open, setOpen] = useState<Open>();
  const [hearts, setHearts] = useState(0);
  const [overVideo, setOverVideo] = useState(false);
  const folded = useMemo(() => !matchMedia(ROOMY).matches, []);

  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  useTitle(view.room === undefined ? t.brand : `${view.room.title} · ${t.brand}`);

  // A wish that was asked again after a reload shows itself.
  const wished = live.placing?.wish.orderId;
  useEffect(() => {
    if (wished !== undefined) setOpen({ kind: "order", orderId: wished });
  }, [wished]);

  const place = useCallback(
    (saleId: string, quantity: number, wait: boolean): void => {
      setOpen({ kind: "order", orderId: live.place(saleId, quantity, wait) });
    },
    [live],
  );
  const close = useCallback(() => {
    live.dismissPlacing();
    setOpen(undefined);
  }, [live]);
  const heart = useCallback(() => {
    live.heart();
    setHearts((n) => n + 1);
  }, [live]);

  const { link } = live;
  if (!view.joined && (live.missing || (link.kind === "over" && link.over === "missing"))) {
    return (
      <main class="front">
        <LanguageSwitch />
        <Still title={t.room.missing} hint={t.room.missingHint}>
          <a class="link-button primary" href="/">
            {t.room.back}
          </a>
        </Still>
      </main>
    );
  }

  const sales = salesToShow(view, Date.now() + view.clock.skewMs);
  const [giving] = givingsOf(view, sales[0]?.pledge?.id);
  return (
    <main class={overVideo ? "room over-video" : "room"} data-state={view.room === undefined ? "unspecified" : roomStateName(view.room.state)}>
      <Stage room={view.room} onVideo={setOverVideo} />
      <TopBar live={live} />
      <div class="giving">
        {giving !== undefined && <CharityStrip key={giving.total.pledgeId} giving={giving} folded={folded} />}
        <Connection live={live} />
      </div>
      <Title room={view.room} />
      <Hearts live={live} own={hearts} />
      <ChatLog view={view} />
      <section class="shelf">
        <Reminder live={live} opened={open} onOrder={(orderId) => setOpen({ kind: "order", orderId })} />
        <ProductCards cards={view.room?.cards ?? []} onSale={sales.map(({ sku }) => sku)} />
        {sales.length > 0 && (
          <div class="sales" data-many={sales.length > 1}>
            {sales.map((sale) => (
              <SaleCard
                key={sale.id}
                live={live}
                sale={sale}
                onBuy={(quantity, wait) => place(sale.id, quantity, wait)}
                onOrder={(orderId) => setOpen({ kind: "order", orderId })}
              />
            ))}
          </div>
        )}
      </section>
      <footer class="bar">
        <ChatBar live={live} />
        {(view.joined ? !isGuest(view.me) : token() !== "") && (
          <button type="button" class="round" aria-label={t.orders.heading} onClick={() => setOpen({ kind: "orders" })}>
            <Parcel />
          </button>
        )}
        <HeartButton live={live} onHeart={heart} />
      </footer>
      {open?.kind === "order" && <BuySheet key={open.orderId} live={live} orderId={open.orderId} onClose={close} onAnother={place} />}
      {open?.kind === "orders" && (
        <Sheet label={t.orders.heading} onClose={close}>
          <Orders live={live} onOrder={(orderId) => setOpen({ kind: "order", orderId })} />
        </Sheet>
      )}
    </main>
  );
}

const loadMyOrders = async () => (await import("./MyOrders")).MyOrders;

function Orders(props: { live: LiveRoom; onOrder: (orderId: string) => void }) {
  const { t } = useWords();
  const orders = useLater(loadMyOrders);
  return (
    <>
      <header class="sheet-head">
        <h2>{t.orders.heading}</h2>
      </header>
      {orders.kind === "loading" && <Skeleton lines={6} />}
      {orders.kind === "failed" && <p class="wrong">{t.orders.failed}</p>}
      {orders.kind === "loaded" && <orders.part {...props} />}
    </>
  );
}

function Title(props: { room: Room | undefined }) {
  const { t, moment } = useWords();
  const { room } = props;
  if (room === undefined) {
    return (
      <div class="title" aria-busy="true">
        <h1 data-testid="room-title" class="unseen">
          {t.loading}
        </h1>
        <div class="skeleton skeleton-title" />
      </div>
    );
  }
  const state = roomStateName(room.state);
  const when = room.scheduledAtMs > 0n ? moment(Number(room.scheduledAtMs), Date.now()) : "";
  const hint =
    room.state === RoomState.SCHEDULED
      ? t.room.stateHint.scheduled(when)
      : state === "rehearsal" || state === "paused" || state === "ended"
        ? t.room.stateHint[state]
        : undefined;
  return (
    <div class="title">
      <h1 data-testid="room-title">{room.title}</h1>
      {hint !== undefined && (
        <p class="title-state" role="status">
          <b>{t.room.state[state]}</b>
          <span>{hint}</span>
        </p>
      )}
    </div>
  );
}

/** A unit set aside that nobody is looking at: most of all one that came from the waiting list. */
function Reminder(props: { live: LiveRoom; opened: Open; onOrder: (orderId: string) => void }) {
  const { t } = useWords();
  const { view } = props.live;
  const now = useServerTime(view.clock.skewMs);
  const held = ordersOf(view).find(
    (order) =>
      order.state === OrderState.HELD && !isPaying(order) && order.roomId === props.live.roomId,
  );
  const offered = held?.offered === true;
  const told = useRef("");
  useEffect(() => {
    if (held === undefined || !offered || told.current === held.id) return;
    told.current = held.id;
    // A phone in a pocket should notice. Where it can't, the line below is enough.
    if ("vibrate" in navigator) navigator.vibrate([80, 60, 80]);
  }, [held?.id, offered]);
  if (held === undefined || (props.opened?.kind === "order" && props.opened.orderId === held.id)) return null;
  const leftMs = Number(held.holdExpiresAtMs) - now;
  if (leftMs <= 0) return null;
  return (
    <button type="button" class="reminder" data-offered={offered} onClick={() => props.onOrder(held.id)}>
      <span>
        <b role="alert">{offered ? t.sheet.offered : t.sheet.heldFor}</b>
        <span>{t.sheet.heldHint(clockFace(leftMs))}</span>
      </span>
      <span class="reminder-go">{t.orders.pay}</span>
    </button>
  );
}
