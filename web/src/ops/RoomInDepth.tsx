// One room: how far people came, what was sold, what is on sale, its orders and its chat; and what ops may do about each.

import { useCallback, useEffect, useState } from "preact/hooks";

import type { RoomOverview } from "../gen/apricot/v1/ops_pb";
import { RoomState } from "../gen/apricot/v1/room_pb";
import { Amount } from "../parts/Amount";
import { Connection } from "../parts/Connection";
import { Fact } from "../parts/Fact";
import { problemText, roomStateName } from "../parts/names";
import { Arrow } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { LiveRoom } from "../room/live";
import { useLive } from "../room/useLive";
import { apart, useWords } from "../text";
import { useActing } from "./Acting";
import { FunnelSteps } from "./FunnelSteps";
import { Minutes } from "./Minutes";
import { usePolled } from "./polled";
import { changeState, readFigures } from "./record";
import { RoomChat } from "./RoomChat";
import { RoomOrders } from "./RoomOrders";
import { RoomSales } from "./RoomSales";
import { opsText } from "./text";

const FIGURES_EVERY_MS = 5_000;

export function RoomInDepth(props: { roomId: string; overview: RoomOverview | undefined }) {
  const { t, count, stamp } = useWords();
  const o = opsText.use();
  const { roomId } = props;
  const { may, ask, done } = useActing();
  const [live] = useState(() => new LiveRoom(roomId));
  useLive(live);
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  const figures = usePolled(useCallback(() => readFigures(roomId), [roomId]), FIGURES_EVERY_MS);
  useEffect(() => figures.look(), [done]);
  const room = live.view.room ?? props.overview?.room;
  if (live.missing || (live.link.kind === "over" && live.link.over === "missing")) return <Still title={t.room.missing} hint={t.room.missingHint} />;
  if (room === undefined) return <Skeleton lines={9} />;
  const state = roomStateName(room.state);
  const viewers = live.view.joined ? live.view.viewers : (props.overview?.viewers ?? 0);
  const into = (to: RoomState, words: typeof o.acts.stop, grave: boolean): void =>
    ask({
      title: words.title(apart(room.title)),
      happens: words.happens(count(viewers)),
      yes: words.yes,
      grave,
      ...(to === RoomState.ENDED ? { typed: room.id } : {}),
      act: async (reason) => live.takeRoom(await changeState(roomId, to, reason)),
      leaves: "change-state",
    });
  return (
    <>
      <header class="room-head">
        <a class="round" href="#view=rooms" aria-label={o.views.rooms}>
          <Arrow />
        </a>
        <div>
          <h2>
            <bdi>{room.title}</bdi>
          </h2>
          <p class="hint">
            <code>{room.id}</code> · <bdi>{room.hostName}</bdi> · <bdi>{room.place}</bdi>
            {room.liveAtMs > 0n && ` · ${o.liveSince(stamp(Number(room.liveAtMs)))}`}
          </p>
        </div>
        <span class="state-tag" data-state={state} data-testid="room-state">
          {t.room.state[state]}
        </span>
        <Connection live={live} />
        {may && (
          <div class="room-acts">
            {room.state === RoomState.LIVE && (
              <button type="button" class="act" data-testid="room-pause" onClick={() => into(RoomState.PAUSED, o.acts.pauseRoom, false)}>
                {o.acts.pauseRoom.button}
              </button>
            )}
            {room.state === RoomState.PAUSED && (
              <button type="button" class="act" data-testid="room-resume" onClick={() => into(RoomState.LIVE, o.acts.resumeRoom, false)}>
                {o.acts.resumeRoom.button}
              </button>
            )}
            {(room.state === RoomState.LIVE || room.state === RoomState.PAUSED) && (
              <button type="button" class="act grave" data-testid="room-stop" onClick={() => into(RoomState.ENDED, o.acts.stop, true)}>
                {o.acts.stop.button}
              </button>
            )}
          </div>
        )}
      </header>
      <div class="pair">
        <section class="block" aria-labelledby="room-funnel">
          <header class="block-head">
            <h2 id="room-funnel">{o.funnel}</h2>
          </header>
          <FunnelSteps funnel={figures.value?.funnel ?? props.overview?.funnel} />
        </section>
        <section class="block" aria-labelledby="room-figures">
          <header class="block-head">
            <h2 id="room-figures">{o.figures}</h2>
          </header>
          {figures.value === undefined && figures.problem === undefined && <Skeleton lines={6} />}
          {figures.value === undefined && figures.problem !== undefined && <p class="wrong">{problemText(t, figures.problem)}</p>}
          {figures.value !== undefined && <Figures figures={figures.value} viewers={viewers} />}
        </section>
      </div>
      {figures.value !== undefined && figures.value.minutes.length > 0 && <Minutes figures={figures.value} />}
      <RoomSales live={live} />
      <div class="pair wide">
        <RoomOrders roomId={roomId} />
        <RoomChat live={live} />
      </div>
    </>
  );
}

function Figures(props: { figures: Awaited<ReturnType<typeof readFigures>>; viewers: number }) {
  const { count } = useWords();
  const o = opsText.use();
  const { figures } = props;
  const currency = figures.currency === "" ? "CNY" : figures.currency;
  const money = (minor: bigint) => <Amount value={{ minor, currency }} />;
  return (
    <dl class="facts figures" data-testid="figures">
      <Fact name={o.viewersMost}>
        {count(props.viewers)} / {count(figures.viewersMost)}
      </Fact>
      <Fact name={o.paid}>{count(figures.ordersPaid)}</Fact>
      <Fact name={o.toPack}>{count(figures.ordersToPack)}</Fact>
      <Fact name={o.gmv}>{money(figures.gmvMinor)}</Fact>
      <Fact name={o.refunded}>{money(figures.refundedMinor)}</Fact>
      <Fact name={o.commission}>{money(figures.commissionMinor)}</Fact>
      <Fact name={o.providerFee}>{money(figures.providerFeeMinor)}</Fact>
      <Fact name={o.charity}>{money(figures.charityMinor)}</Fact>
    </dl>
  );
}
