// What the room does right now: numbers of the record every five seconds, viewers and stock from the socket as they come.

import { useMemo } from "preact/hooks";

import type { Money } from "../gen/apricot/v1/common_pb";
import { RoomState } from "../gen/apricot/v1/room_pb";
import { Amount } from "../parts/Amount";
import { useLater } from "../parts/Later";
import { saleFace } from "../room/state";
import { useWords } from "../text";
import { useAct } from "./act";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { Sheets } from "./signs";
import { shareOf } from "./sums";
import { hostText } from "./text";
import { saveFile } from "./trade";

const MINUTES_SHOWN = 30;
const loadSpark = () => import("../parts/Spark");

export function LivePanel(props: { desk: Desk }) {
  const { count, share } = useWords();
  const h = hostText.use();
  const { desk } = props;
  const { figures, live, rights } = desk;
  const { view } = live;
  const act = useAct();

  const nowMs = Date.now() + view.clock.skewMs;
  const open = [...view.sales.values()].filter((sale) => ["open", "soldOut", "paused"].includes(saleFace(sale, view.stocks.get(sale.id), nowMs)));
  const left = open.reduce((sum, sale) => sum + (view.stocks.get(sale.id)?.left ?? sale.left), 0);
  const money = (minor: bigint): Pick<Money, "minor" | "currency"> => ({ minor, currency: figures?.currency || "CNY" });
  const { seen = 0n, paid = 0n } = figures?.funnel ?? {};

  return (
    <section class="panel live-panel" aria-labelledby="live-heading" aria-busy={figures === undefined && !desk.figuresFailed}>
      <h2 id="live-heading">{h.figures.heading}</h2>
      <dl class="tiles">
        <Tile label={h.figures.gmv} testId="figure-gmv" wide>
          {figures === undefined ? <Dash /> : <Amount value={money(figures.gmvMinor)} />}
        </Tile>
        <Tile label={h.figures.orders} testId="figure-orders">
          {figures === undefined ? <Dash /> : count(figures.ordersPaid)}
        </Tile>
        <Tile label={h.figures.conversion} testId="figure-conversion" hint={figures === undefined ? undefined : h.figures.conversionOf(count(paid), count(seen))}>
          {figures === undefined || seen === 0n ? <Dash /> : share(shareOf(paid, seen))}
        </Tile>
        <Tile label={h.figures.stock} testId="figure-stock">
          {open.length === 0 ? <Dash /> : count(left)}
        </Tile>
        <Tile label={h.figures.charity} testId="figure-charity">
          {figures === undefined ? <Dash /> : <Amount value={money(figures.charityMinor)} />}
        </Tile>
      </dl>
      <ViewersSpark desk={desk} />
      {desk.figuresFailed && <p class="hint">{h.figures.failed}</p>}
      {rights?.runs === true && (
        <>
          <p class="to-pack">
            <b data-testid="to-pack">{figures === undefined ? <Dash /> : count(figures.ordersToPack)}</b> <span>{h.toPack}</span>
            <button type="button" class="quiet" disabled={act.busy} onClick={() => void act.run(() => saveFile(live.roomId, "orders-to-pack"), h.fileSaved)}>
              <Sheets />
              {h.toPackFile}
            </button>
          </p>
          <Said act={act} />
        </>
      )}
    </section>
  );
}

function Tile(props: { label: string; hint?: string | undefined; testId?: string; wide?: boolean; children: preact.ComponentChildren }) {
  return (
    <div class={props.wide === true ? "tile tile-wide" : "tile"}>
      <dt>{props.label}</dt>
      <dd data-testid={props.testId}>{props.children}</dd>
      {props.hint !== undefined && <dd class="hint">{props.hint}</dd>}
    </div>
  );
}

/** Not known yet, or nothing to say: never a zero that nobody counted. */
function Dash() {
  return <span aria-hidden="true">–</span>;
}

function ViewersSpark(props: { desk: Desk }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk } = props;
  const loaded = useLater(loadSpark);
  const { figures, samples, room } = desk;
  const points = useMemo(() => {
    const firstSampleMs = samples[0]?.atMs ?? Number.POSITIVE_INFINITY;
    // The record's minutes, until this page's own samples begin.
    const minutes = (figures?.minutes ?? []).map(({ atMs, viewers }) => ({ atMs: Number(atMs), viewers })).filter(({ atMs }) => atMs + 60_000 <= firstSampleMs);
    return [...minutes.slice(-MINUTES_SHOWN), ...samples];
  }, [figures, samples]);
  if (room?.state !== RoomState.LIVE && room?.state !== RoomState.PAUSED) return null;
  const now = desk.live.view.viewers;
  return (
    <figure class="spark">
      <figcaption>
        <span>{h.figures.viewers}</span> <b data-testid="figure-viewers">{count(now)}</b>
        {figures !== undefined && <span class="hint">{h.figures.viewersMost(count(Math.max(figures.viewersMost, now)))}</span>}
      </figcaption>
      <div class="spark-place">{loaded.kind === "loaded" && points.length > 1 && <loaded.part.Spark points={points.map(({ atMs, viewers }) => [atMs / 1000, viewers] as const)} />}</div>
    </figure>
  );
}
