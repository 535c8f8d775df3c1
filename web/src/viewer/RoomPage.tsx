// One live room, whole: what is drawn where, and which sheet is open.

import type { ComponentType } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { OrderState } from "../gen/apricot/v1/sale_pb";
import { CharityStrips, givingsOf } from "../parts/Charity";
import { Connection } from "../parts/Connection";
import { useLater } from "../parts/Later";
import { roomStateName } from "../parts/names";
import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Sheet } from "../parts/Sheet";
import { Parcel } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { useServerTime } from "../parts/time";
import type { LiveRoom } from "../room/live";
import { isGuest, isPaying, ordersOf, salesToShow, type RoomView } from "../room/state";
import { useLive } from "../room/useLive";
import { clockFace, useWords } from "../text";
import { token } from "../wire/address";
import { BuySheet } from "./BuySheet";
import { ChatBar, ChatLog } from "./Chat";
import { HeartButton, Hearts } from "./Hearts";
import { ProductCards } from "./ProductCards";
import { SaleCard } from "./SaleCard";
import { Stage } from "./Stage";
import { TopBar } from "./TopBar";

type Open = { readonly kind: "order" | "receipt"; readonly orderId: string } | { readonly kind: "orders" | "sign-in" } | undefined;

/** `live` is under way already. */
export function RoomPage(props: { live: LiveRoom }) {
  const { t } = useWords();
  const live = useLive(props.live);
  const { view } = live;
  const [open, setOpen] = useState<Open>();
  const [hearts, setHearts] = useState(0);
  const [overVideo, setOverVideo] = useState(false);

  useTitle(view.room === undefined ? t.brand : `${view.room.title} · ${t.brand}`);

  // A wish that was asked again after a reload shows itself.
  const wished = live.placing?.wish.orderId;
  useEffect(() => {
    if (wished !== undefined) setOpen({ kind: "order", orderId: wished });
  }, [wished]);

  const place = useCallback(
    (saleId: string, quantity: number, wait: boolean): void => {
      setOpen(isGuest(live.view.me) ? { kind: "sign-in" } : { kind: "order", orderId: live.place(saleId, quantity, wait) });
    },
    [live],
  );
  const openOrder = useCallback((orderId: string) => setOpen({ kind: "order", orderId }), []);
  const openReceipt = useCallback((orderId: string) => setOpen({ kind: "receipt", orderId }), []);
  const signIn = useCallback(() => setOpen({ kind: "sign-in" }), []);
  const cameIn = useCallback(() => {
    setOpen(undefined);
    live.comeBackNow();
  }, [live]);
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
        <Still whole title={t.room.missing} hint={t.room.missingHint}>
          <a class="link-button primary" href="/">
            {t.room.back}
          </a>
        </Still>
      </main>
    );
  }

  if (!view.joined && link.kind === "over" && link.over === "hidden") {
    return (
      <main class="front">
        <LanguageSwitch />
        <Still whole title={t.room.state.rehearsal} hint={t.connection.over.hidden}>
          <a class="link-button quiet" href="/">
            {t.room.back}
          </a>
        </Still>
      </main>
    );
  }

  const nowMs = Date.now() + view.clock.skewMs;
  const sales = salesToShow(view, nowMs);
  return (
    <main
      class={overVideo ? "room over-video" : "room"}
      data-state={view.room === undefined ? "unspecified" : roomStateName(view.room.state)}
      data-busy={sales.length > 0 || view.talk.length > 0}
    >
      <Stage room={view.room} onVideo={setOverVideo} />
      <TopBar live={live} />
      <div class="giving">
        <CharityStrips givings={givingsOf(view, sales[0]?.pledge?.id)} nowMs={nowMs} />
        <Connection live={live} />
      </div>
      <Title room={view.room} produce={produceOf(view)} />
      <Hearts live={live} own={hearts} />
      <ChatLog view={view} />
      <MotionSwitch />
      <section class="shelf" data-skip>
        <Reminder live={live} opened={open} onOrder={openOrder} />
        <ProductCards cards={view.room?.cards ?? []} onSale={sales.map(({ sku }) => sku)} />
        {sales.length > 0 && (
          <div class="sales" data-many={sales.length > 1}>
            {sales.map((sale) => (
              <SaleCard
                key={sale.id}
                live={live}
                sale={sale}
                onBuy={(quantity, wait) => place(sale.id, quantity, wait)}
                onOrder={openOrder}
              />
            ))}
          </div>
        )}
      </section>
      <footer class="bar">
        <ChatBar live={live} onSignIn={signIn} />
        {(view.joined ? !isGuest(view.me) : token() !== "") && (
          <button type="button" class="round" aria-label={t.orders.heading} onClick={() => setOpen({ kind: "orders" })}>
            <Parcel />
          </button>
        )}
        <HeartButton live={live} onHeart={heart} />
      </footer>
      {open?.kind === "order" && <BuySheet key={open.orderId} live={live} orderId={open.orderId} onClose={close} onReceipt={openReceipt} onAnother={place} />}
      {open?.kind === "orders" && (
        <Sheet key="orders" label={t.orders.heading} onClose={close}>
          <Headed heading={t.orders.heading} load={loadMyOrders} of={{ live, onOrder: openOrder, onReceipt: openReceipt }} />
        </Sheet>
      )}
      {open?.kind === "receipt" && (
        <Sheet key={`receipt/${open.orderId}`} class="printed" label={t.receipt.heading} onClose={close}>
          <Headed heading={t.receipt.heading} load={loadReceipt} of={{ orderId: open.orderId }} />
        </Sheet>
      )}
      {open?.kind === "sign-in" && (
        <Sheet key="sign-in" label={t.signIn.heading} testId="sign-in-sheet" onClose={close}>
          <Headed load={loadSignIn} of={{ roomId: live.roomId, onIn: cameIn }} />
        </Sheet>
      )}
    </main>
  );
}

const PRODUCE_MAX = 4;

const loadMyOrders = async () => (await import("./MyOrders")).MyOrders;

const loadReceipt = async () => (await import("./Receipt")).Receipt;
const loadSignIn = async () => (await import("./SignIn")).SignIn;

/** A sheet's inside that is fetched when it is opened. */
function Headed<P extends object>(props: { heading?: string; load: () => Promise<ComponentType<P>>; of: P }) {
  const { t } = useWords();
  const inside = useLater(props.load);
  return (
    <>
      {props.heading !== undefined && (
        <header class="sheet-head">
          <h2>{props.heading}</h2>
        </header>
      )}
      {inside.kind === "loading" && <Skeleton lines={6} />}
      {inside.kind === "failed" && <p class="wrong">{t.unknown}</p>}
      {inside.kind === "loaded" && <inside.part {...props.of} />}
    </>
  );
}

/** What the room is about, while no picture shows it. */
function produceOf(view: RoomView): readonly string[] {
  const named = [...[...view.sales.values()].map(({ title }) => title), ...(view.room?.cards ?? []).map(({ title }) => title)];
  return [...new Set(named)].slice(0, PRODUCE_MAX);
}

function Title(props: { room: Room | undefined; produce: readonly string[] }) {
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
  const hint =
    room.state === RoomState.SCHEDULED
      ? t.room.stateHint.scheduled(room.scheduledAtMs > 0n ? moment(Number(room.scheduledAtMs), Date.now()) : "")
      : state === "rehearsal" || state === "paused" || state === "ended"
        ? t.room.stateHint[state]
        : undefined;
  return (
    <div class="title" data-said={hint !== undefined}>
      <h1 data-testid="room-title">
        <bdi>{room.title}</bdi>
      </h1>
      {hint !== undefined && (
        <p class="title-state" role="status">
          <b>{t.room.state[state]}</b>
          <span>{hint}</span>
        </p>
      )}
      <div class="poster-words">
        <strong>
          <bdi>{room.hostName}</bdi>
        </strong>
        {room.place !== "" && <bdi>{room.place}</bdi>}
        {props.produce.length > 0 && (
          <ul aria-label={t.room.produce}>
            {props.produce.map((name) => (
              <li key={name}>
                <bdi>{name}</bdi>
              </li>
            ))}
          </ul>
        )}
      </div>
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
