// All rooms that have not ended.

import { useMemo, useState } from "preact/hooks";

import type { RoomOverview } from "../gen/apricot/v1/ops_pb";
import type { SaleStock } from "../gen/apricot/v1/sale_pb";
import { Amount } from "../parts/Amount";
import { roomStateName } from "../parts/names";
import { Still } from "../parts/Still";
import { useWords } from "../text";
import { STEPS, widest } from "./FunnelSteps";
import { Table, type Column } from "./Table";
import { opsText } from "./text";

const sumOf = (stocks: readonly SaleStock[], of: (stock: SaleStock) => number): number => stocks.reduce((all, stock) => all + of(stock), 0);

export function Rooms(props: { rooms: readonly RoomOverview[] }) {
  const { t, count } = useWords();
  const o = opsText.use();
  const [wanted, setWanted] = useState("");
  const needle = wanted.trim().toLocaleLowerCase();
  const rooms = needle === "" ? props.rooms : props.rooms.filter(({ room }) => `${room?.id} ${room?.title} ${room?.hostName} ${room?.place}`.toLocaleLowerCase().includes(needle));
  const columns = useMemo<readonly Column<RoomOverview>[]>(
    () => [
      {
        id: "room",
        head: o.room,
        words: true,
        by: ({ room }) => room?.title ?? "",
        cell: ({ room }) => (
          <a href={`#room=${encodeURIComponent(room?.id ?? "")}`}>
            <bdi>{room?.title}</bdi>
            <span class="hint">
              {room?.id} · <bdi>{room?.hostName}</bdi>
            </span>
          </a>
        ),
      },
      {
        id: "state",
        head: o.state,
        words: true,
        by: ({ room }) => room?.state ?? 0,
        cell: ({ room }) => {
          const state = roomStateName(room?.state ?? 0);
          return (
            <span class="state-tag" data-state={state}>
              {t.room.state[state]}
            </span>
          );
        },
      },
      { id: "viewers", head: o.viewers, by: ({ viewers }) => viewers, cell: ({ viewers }) => count(viewers) },
      { id: "left", head: o.left, by: ({ stocks }) => sumOf(stocks, ({ left }) => left), cell: ({ stocks }) => count(sumOf(stocks, ({ left }) => left)) },
      { id: "held", head: o.held, by: ({ stocks }) => sumOf(stocks, ({ held }) => held), cell: ({ stocks }) => count(sumOf(stocks, ({ held }) => held)) },
      { id: "waiting", head: o.waiting, by: ({ stocks }) => sumOf(stocks, ({ waiting }) => waiting), cell: ({ stocks }) => count(sumOf(stocks, ({ waiting }) => waiting)) },
      { id: "paid", head: o.paid, by: ({ ordersPaid }) => ordersPaid, cell: ({ ordersPaid }) => count(ordersPaid) },
      {
        id: "gmv",
        head: o.gmv,
        by: ({ gmvMinor }) => gmvMinor,
        cell: ({ gmvMinor, currency }) => <Amount value={{ minor: gmvMinor, currency: currency === "" ? "CNY" : currency }} />,
      },
      { id: "pack", head: o.toPack, by: ({ ordersToPack }) => ordersToPack, cell: ({ ordersToPack }) => count(ordersToPack) },
      { id: "funnel", head: o.funnel, by: ({ funnel }) => (funnel === undefined || funnel.seen === 0n ? 0 : Number(funnel.paid) / Number(funnel.seen)), cell: ({ funnel }) => <SmallFunnel funnel={funnel} /> },
    ],
    [o, t, count],
  );
  return (
    <section class="block" aria-labelledby="rooms-heading">
      <header class="block-head">
        <h2 id="rooms-heading">{o.roomsNow(count(props.rooms.length))}</h2>
        <label class="find">
          <span class="unseen">{o.find}</span>
          <input type="search" data-testid="find-room" value={wanted} placeholder={o.find} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
      </header>
      {rooms.length === 0 ? (
        <Still title={needle === "" ? o.empty : o.emptyFound} hint={needle === "" ? o.emptyHint : undefined} />
      ) : (
        <Table label={o.views.rooms} columns={columns} rows={rooms} keyOf={({ room }) => room?.id ?? ""} first={{ column: "viewers", down: true }} testId="rooms" />
      )}
    </section>
  );
}

function SmallFunnel(props: { funnel: RoomOverview["funnel"] }) {
  const { count } = useWords();
  const o = opsText.use();
  const { funnel } = props;
  if (funnel === undefined) return <span class="hint">–</span>;
  const most = widest(funnel);
  return (
    <span class="small-funnel" role="img" aria-label={STEPS.map((step) => `${o.steps[step]} ${count(funnel[step])}`).join(", ")} title={STEPS.map((step) => `${o.steps[step]} ${count(funnel[step])}`).join(" · ")}>
      {STEPS.map((step) => (
        <i key={step} data-step={step} style={{ height: `${Math.max(funnel[step] > 0n ? 8 : 2, (Number(funnel[step]) / most) * 100)}%` }} />
      ))}
    </span>
  );
}
