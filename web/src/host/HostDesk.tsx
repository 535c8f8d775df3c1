// The host's desk for one room.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";

import type { Product, Room } from "../gen/apricot/v1/room_pb";
import { CharityStrip, givingsOf } from "../parts/Charity";
import { Connection } from "../parts/Connection";
import { LanguageSwitch, useTitle } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { LiveRoom, useLive } from "../room/live";
import { useWords } from "../text";
import { useAct } from "./act";
import { countToPack, readProducts, readSales, savePackingList, type ToPack } from "./changes";
import { ChatDesk } from "./ChatDesk";
import { NoticeForm, PinnedCards } from "./Front";
import { Said } from "./Said";
import { SaleForm } from "./SaleForm";
import { SalesDesk } from "./SalesDesk";
import { StateButtons } from "./StateButtons";
import { hostText } from "./text";

const COUNT_EVERY_MS = 10_000;

export function HostDesk(props: { roomId: string }) {
  const { t, count } = useWords();
  const h = hostText.use();
  const live = useLive(useMemo(() => new LiveRoom(props.roomId), [props.roomId]));
  const { view } = live;
  const [products, setProducts] = useState<readonly Product[]>();
  useTitle(view.room === undefined ? h.heading : `${view.room.title} · ${h.heading}`);

  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);

  // Sales that are only written, not yet open, may not be in what the socket says.
  const joined = live.link.kind === "live";
  useEffect(() => {
    if (!joined) return;
    readSales(live.roomId).then((sales) => live.takeSales(sales), () => undefined);
    readProducts().then(setProducts, () => setProducts((known) => known ?? []));
  }, [live, joined]);

  const { room } = view;
  if (room === undefined) {
    const { link } = live;
    if (live.missing || (link.kind === "over" && link.over === "missing")) return <Still title={h.roomGone} hint={t.room.missingHint} />;
    return (
      <main class="desk">
        <Connection live={live} />
        <section class="panel">
          <Skeleton lines={6} />
        </section>
      </main>
    );
  }

  const takeRoom = (newer: Room): void => live.takeRoom(newer);
  const [giving] = givingsOf(view, [...view.sales.values()].find(({ pledge }) => pledge !== undefined)?.pledge?.id);
  return (
    <main class="desk">
      <header class="desk-top">
        <div>
          <h1 data-testid="room-title">{room.title}</h1>
          <a class="hint" href={`/rooms/${encodeURIComponent(room.id)}`}>
            {h.watch}
          </a>
        </div>
        <p class="desk-viewers">
          <b data-testid="viewers">{count(view.viewers)}</b> {h.viewers}
        </p>
        <LanguageSwitch />
      </header>
      <Connection live={live} />
      <div class="desk-columns">
        <div class="column">
          <StateButtons room={room} onRoom={takeRoom} />
          <Packing roomId={room.id} />
          {giving !== undefined && <CharityStrip key={giving.total.pledgeId} giving={giving} apart />}
          <NoticeForm room={room} />
        </div>
        <div class="column">
          <SalesDesk live={live} />
          <SaleForm live={live} products={products} />
        </div>
        <div class="column">
          <PinnedCards room={room} products={products} onRoom={takeRoom} />
          <ChatDesk live={live} />
        </div>
      </div>
    </main>
  );
}

function Packing(props: { roomId: string }) {
  const { count } = useWords();
  const h = hostText.use();
  const { roomId } = props;
  const [toPack, setToPack] = useState<ToPack>();
  const act = useAct();
  const read = useCallback(() => {
    // An old count stays until a new one comes.
    if (!document.hidden) countToPack(roomId).then(setToPack, () => undefined);
  }, [roomId]);
  useEffect(() => {
    read();
    const timer = setInterval(read, COUNT_EVERY_MS);
    return () => clearInterval(timer);
  }, [read]);
  return (
    <section class="panel packing">
      <p>
        <b class="packing-count" data-testid="to-pack">
          {toPack === undefined ? "–" : h.packing(count(toPack.count), toPack.more)}
        </b>{" "}
        {h.toPack}
      </p>
      <button type="button" class="quiet" disabled={act.busy} onClick={() => void act.run(() => savePackingList(roomId), h.saved)}>
        {h.toPackFile}
      </button>
      <Said act={act} />
    </section>
  );
}
