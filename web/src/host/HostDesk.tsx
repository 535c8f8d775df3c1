// One room's desk. On a phone one thing at a time with tabs at the thumb; on a table three columns, and pages behind them.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { CharityStrips, givingsOf } from "../parts/Charity";
import { Connection } from "../parts/Connection";
import { useLater } from "../parts/Later";
import { roomStateName } from "../parts/names";
import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Arrow, Eye } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { LiveRoom } from "../room/live";
import { apart, useWords } from "../text";
import type { Claims } from "../wire/claims";
import { Cards } from "./Cards";
import { ChatDesk } from "./ChatDesk";
import { Desk, useDesk } from "./desk";
import { Helpers } from "./Helpers";
import { LivePanel } from "./LivePanel";
import { Orders } from "./Orders";
import { Products } from "./Products";
import type { Rights } from "./rights";
import { RoomForm } from "./RoomForm";
import { addressOf, type View } from "./route";
import { RunSheet } from "./RunSheet";
import { SalesDesk } from "./SalesDesk";
import { OnAir, StatePanel } from "./StatePanel";
import { Bubble, Camera, Chart, Crate, Door, Dots, Gear, List, People, Truck } from "./signs";
import { hostText } from "./text";

/** These three stand beside each other on a desktop. */
const DESK: readonly View[] = ["now", "sheet", "chat"];
const SIGNS: Record<View, () => JSX.Element> = {
  now: Camera,
  sheet: List,
  chat: Bubble,
  orders: Truck,
  more: Dots,
  products: Crate,
  helpers: People,
  room: Gear,
  summary: Chart,
};

/** What this person finds here, first what they came for. */
function viewsOf(rights: Rights, ended: boolean): readonly View[] {
  const runsAll: readonly View[] = ended
    ? ["summary", "orders", "more", "products"]
    : ["now", "sheet", "chat", "orders", "more", "products", "helpers", "room", "summary"];
  if (rights.sells) return runsAll;
  if (rights.runs) return runsAll.filter((view) => view !== "products");
  if (ended) return rights.seesFigures ? ["summary", "more"] : ["more"];
  return rights.seesFigures ? ["now", "sheet", "chat", "more", "summary"] : ["chat", "sheet", "more"];
}

export function HostDesk(props: { roomId: string; view: View | undefined; me: Claims }) {
  const { t } = useWords();
  const h = hostText.use();
  const desk = useDesk(useMemo(() => new Desk(new LiveRoom(props.roomId), props.me), [props.roomId, props.me]));
  const { live, room, rights } = desk;
  useTitle(room === undefined ? h.heading : `${room.title} · ${h.heading}`);

  useEffect(() => {
    desk.start();
    return () => desk.stop();
  }, [desk]);

  if (room === undefined || rights === undefined) {
    const { link } = live;
    if (live.missing || (link.kind === "over" && link.over === "missing")) return <NoRoom title={h.roomGone} hint={t.room.missingHint} />;
    // Of one that has ended REST tells what the socket doesn't.
    if (link.kind === "over" && link.over !== "ended") return <NoRoom title={h.notYours} hint={t.connection.over[link.over]} />;
    return (
      <main class="host-page">
        <Connection live={live} />
        <section class="panel">
          <Skeleton lines={9} />
        </section>
      </main>
    );
  }
  if (rights.as === "nobody") return <NoRoom title={h.notYours} hint={h.notYoursHint} />;

  const ended = room.state === RoomState.ENDED;
  const views = viewsOf(rights, ended);
  const [first] = views;
  const shown = props.view !== undefined && views.includes(props.view) ? props.view : (first ?? "more");
  return (
    <div class="host" data-view={shown} data-as={rights.as} data-state={roomStateName(room.state)}>
      <Top desk={desk} room={room} views={views} shown={shown} />
      <main class={DESK.includes(shown) && !ended ? "host-page desk-page" : "host-page"}>
        <Connection live={live} />
        {DESK.includes(shown) && !ended ? <Columns desk={desk} room={room} rights={rights} /> : <Page desk={desk} room={room} views={views} shown={shown} />}
      </main>
      <Tabs room={room} views={views} shown={shown} toPack={desk.figures?.ordersToPack ?? 0n} />
    </div>
  );
}

function Columns(props: { desk: Desk; room: Room; rights: Rights }) {
  const { desk, room, rights } = props;
  const { view } = desk.live;
  const givings = givingsOf(view, [...view.sales.values()].find(({ pledge }) => pledge !== undefined)?.pledge?.id);
  return (
    <div class="desk-columns">
      {rights.seesFigures && (
        <div class="column column-now">
          <StatePanel desk={desk} room={room} />
          <LivePanel desk={desk} />
          <CharityStrips givings={givings} nowMs={Date.now() + view.clock.skewMs} apart />
        </div>
      )}
      <div class="column column-sheet">
        <SalesDesk desk={desk} rights={rights} />
        {rights.arranges ? <RunSheet desk={desk} room={room} rights={rights} /> : <Cards desk={desk} room={room} />}
      </div>
      <div class="column column-chat">
        <ChatDesk desk={desk} rights={rights} />
      </div>
    </div>
  );
}

const loadPledges = () => import("./pledge/Pledges");
const loadSummary = () => import("./Summary");

function Page(props: { desk: Desk; room: Room; views: readonly View[]; shown: View }) {
  const h = hostText.use();
  const { desk, room, shown } = props;
  switch (shown) {
    case "orders":
      return <Orders desk={desk} room={room} />;
    case "products":
      return (
        <>
          <Products desk={desk} room={room} />
          <LaterPledges desk={desk} room={room} />
        </>
      );
    case "helpers":
      return <Helpers desk={desk} room={room} />;
    case "summary":
      return <LaterSummary desk={desk} room={room} />;
    case "room":
      return (
        <section class="panel narrow" aria-labelledby="room-heading">
          <h2 id="room-heading">{h.roomForm.heading}</h2>
          <RoomForm key={room.id} room={room} me={desk.me} onSaved={(saved) => desk.takeRoom(saved)} />
        </section>
      );
    default:
      return <More room={room} views={props.views} />;
  }
}

function LaterPledges(props: { desk: Desk; room: Room }) {
  const { t } = useWords();
  const loaded = useLater(loadPledges);
  if (loaded.kind === "loading") return <Skeleton lines={4} />;
  if (loaded.kind === "failed") return <Still title={t.problems.lost} />;
  return <loaded.part.Pledges desk={props.desk} host={props.room.hostId} />;
}

function LaterSummary(props: { desk: Desk; room: Room }) {
  const { t } = useWords();
  const h = hostText.use();
  const loaded = useLater(loadSummary);
  if (loaded.kind === "loading") return <Skeleton lines={12} />;
  if (loaded.kind === "failed") {
    return (
      <Still title={h.summary.failed} hint={t.problems.lost}>
        <button type="button" class="quiet" onClick={() => location.reload()}>
          {t.tryAgain}
        </button>
      </Still>
    );
  }
  return <loaded.part.Summary {...props} />;
}

function Top(props: { desk: Desk; room: Room; views: readonly View[]; shown: View }) {
  const { t, count } = useWords();
  const h = hostText.use();
  const { desk, room, shown } = props;
  const tabs = props.views.filter((view) => view !== "more" && !(DESK.includes(view) && view !== props.views[0]));
  return (
    <header class="host-top">
      {/* Not a fragment of its own: without a room the page is the list. */}
      <a class="round" href="#rooms" aria-label={h.rooms.heading}>
        <Arrow />
      </a>
      <div class="host-title">
        <h1 data-testid="room-title">
          <bdi>{room.title}</bdi>
        </h1>
        <OnAir desk={desk} room={room} />
      </div>
      {room.state !== RoomState.ENDED && (
        <a class="host-viewers" href={`/rooms/${encodeURIComponent(room.id)}`} title={h.watch}>
          <Eye />
          <b data-testid="viewers">{count(desk.live.view.viewers)}</b>
          <span class="unseen">
            {h.viewers}. {h.watch}
          </span>
        </a>
      )}
      <nav class="tabs-top" aria-label={h.nav.label}>
        {tabs.map((view) => (
          <TabLink key={view} room={room} view={view} current={view === shown || (DESK.includes(view) && DESK.includes(shown))}>
            {DESK.includes(view) ? h.nav.desk : h.nav[view]}
          </TabLink>
        ))}
      </nav>
      <MotionSwitch />
      <LanguageSwitch />
      {desk.rights?.runs === false && (
        <p class="host-badge" data-testid="badge">
          {(desk.rights.as === "commissioner" ? h.helpsHost : h.moderatesFor)(room.hostName === "" ? t.chat.role.host : apart(room.hostName))}
        </p>
      )}
    </header>
  );
}

function Tabs(props: { room: Room; views: readonly View[]; shown: View; toPack: bigint }) {
  const { count } = useWords();
  const h = hostText.use();
  const { room, views, shown } = props;
  const most = views.indexOf("more") + 1;
  const tabs = views.slice(0, most);
  if (tabs.length < 2) return null;
  return (
    <nav class="tabs-bottom" aria-label={h.nav.label}>
      {tabs.map((view) => {
        const Sign = SIGNS[view];
        return (
          <TabLink key={view} room={room} view={view} current={view === shown || (view === "more" && !tabs.includes(shown))}>
            <Sign />
            <span>{view === "sheet" && !views.includes("now") ? h.nav.cards : h.nav[view]}</span>
            {view === "orders" && props.toPack > 0n && (
              <span class="tab-count">
                {props.toPack > 99n ? "99+" : count(props.toPack)} <span class="unseen">{h.toPack}</span>
              </span>
            )}
          </TabLink>
        );
      })}
    </nav>
  );
}

function TabLink(props: { room: Room; view: View; current: boolean; children: ComponentChildren }) {
  return (
    <a class="tab" href={addressOf(props.room.id, props.view)} data-testid={`tab-${props.view}`} aria-current={props.current ? "page" : undefined}>
      {props.children}
    </a>
  );
}

function More(props: { room: Room; views: readonly View[] }) {
  const h = hostText.use();
  const { room, views } = props;
  const rest = views.slice(views.indexOf("more") + 1);
  return (
    <section class="panel narrow" aria-labelledby="more-heading">
      <h2 id="more-heading">{h.nav.more}</h2>
      <ul class="more-list">
        {rest.map((view) => {
          const Sign = SIGNS[view];
          return (
            <li key={view}>
              <a class="more-link" href={addressOf(room.id, view)} data-testid={`more-${view}`}>
                <Sign />
                <span>{h.nav[view]}</span>
                <span class="hint">{h.nav.hints[view]}</span>
              </a>
            </li>
          );
        })}
        <li>
          <a class="more-link" href={`/rooms/${encodeURIComponent(room.id)}`}>
            <Eye />
            <span>{h.watch}</span>
            <span class="hint">{h.nav.hints.watch}</span>
          </a>
        </li>
        <li>
          <a class="more-link" href="#rooms">
            <Door />
            <span>{h.rooms.heading}</span>
            <span class="hint">{h.nav.hints.rooms}</span>
          </a>
        </li>
      </ul>
    </section>
  );
}

function NoRoom(props: { title: string; hint: string }) {
  const h = hostText.use();
  return (
    <main>
      <Still whole title={props.title} hint={props.hint}>
        <a class="quiet button" href="#rooms">
          {h.rooms.heading}
        </a>
      </Still>
    </main>
  );
}
