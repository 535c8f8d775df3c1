// What a stream came to: headline, charts, funnel, settlement and charity, each from the record, and as files to keep.

import { useEffect, useMemo } from "preact/hooks";

import type { Money } from "../gen/apricot/v1/common_pb";
import type { RoomFigures } from "../gen/apricot/v1/ops_pb";
import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { Amount } from "../parts/Amount";
import { CharityName, ProjectLink, Titles } from "../parts/Gifts";
import { Skeleton, Still } from "../parts/Still";
import { clockFace, useWords } from "../text";
import { useAct } from "./act";
import type { Desk } from "./desk";
import { Funnel } from "./Funnel";
import { MinuteCharts } from "./MinuteCharts";
import { ProductTable } from "./ProductTable";
import { Said } from "./Said";
import { Sheets } from "./signs";
import { netOf, shareOf } from "./sums";
import { hostText } from "./text";
import { saveFile } from "./trade";

export function Summary(props: { desk: Desk; room: Room }) {
  const { count, moment, share } = useWords();
  const h = hostText.use();
  const { desk, room } = props;
  const { figures } = desk;
  useEffect(() => desk.look(), [desk]);

  if (figures === undefined) {
    return desk.figuresFailed ? (
      <Still title={h.summary.failed} hint={h.figures.failed}>
        <button type="button" class="quiet" onClick={desk.look}>
          {h.again}
        </button>
      </Still>
    ) : (
      <section class="panel">
        <Skeleton lines={12} />
      </section>
    );
  }
  const currency = figures.currency || "CNY";
  const money = (minor: bigint): Pick<Money, "minor" | "currency"> => ({ minor, currency });
  const endMs = room.endedAtMs > 0n ? Number(room.endedAtMs) : Date.now();
  const { seen = 0n, paid = 0n } = figures.funnel ?? {};
  return (
    <div class="summary" data-testid="summary">
      <section class="panel headline" aria-labelledby="summary-heading">
        <header class="panel-head">
          <h2 id="summary-heading">{room.state === RoomState.ENDED ? h.summary.heading : h.summary.soFar}</h2>
          {room.liveAtMs > 0n && (
            <span class="hint">
              {moment(Number(room.liveAtMs), Date.now())} · {h.summary.lasted(clockFace(endMs - Number(room.liveAtMs)))}
            </span>
          )}
        </header>
        <dl class="headline-figures">
          <Headline label={h.figures.gmv} testId="summary-gmv">
            <Amount value={money(figures.gmvMinor)} class="price" />
          </Headline>
          <Headline label={h.figures.orders}>{count(figures.ordersPaid)}</Headline>
          <Headline label={h.summary.seen}>{count(seen)}</Headline>
          <Headline label={h.figures.conversion}>{seen === 0n ? "–" : share(shareOf(paid, seen))}</Headline>
          <Headline label={h.summary.viewersMost}>{count(figures.viewersMost)}</Headline>
          <Headline label={h.figures.charity} leaf>
            <Amount value={money(figures.charityMinor)} class="price" />
          </Headline>
        </dl>
      </section>
      <MinuteCharts figures={figures} />
      <ProductTable figures={figures} currency={currency} />
      <Funnel funnel={figures.funnel} />
      <Settlement room={room} figures={figures} runs={desk.rights?.runs === true} money={money} />
      <CharityStatement desk={desk} figures={figures} room={room} />
    </div>
  );
}

function Headline(props: { label: string; testId?: string; leaf?: boolean; children: preact.ComponentChildren }) {
  return (
    <div data-leaf={props.leaf === true}>
      <dt>{props.label}</dt>
      <dd data-testid={props.testId}>{props.children}</dd>
    </div>
  );
}

/** The sum as a shopkeeper writes it: one line under the other, the net at the foot. Commission is a line of its own even when it is zero. */
function Settlement(props: { room: Room; figures: RoomFigures; runs: boolean; money: (minor: bigint) => Pick<Money, "minor" | "currency"> }) {
  const h = hostText.use();
  const { figures, money, runs } = props;
  const act = useAct();
  const { gmvMinor, refundedMinor, commissionMinor, providerFeeMinor, charityMinor } = figures;
  const net = useMemo(() => netOf(figures), [figures]);
  const lines: readonly (readonly [keyof typeof h.settlement.lines, bigint, boolean])[] = [
    ["gross", gmvMinor, false],
    ["refunds", refundedMinor, true],
    ["commission", commissionMinor, true],
    ["fee", providerFeeMinor, true],
    ["charity", charityMinor, true],
  ];
  return (
    <section class="panel" aria-labelledby="settlement-heading">
      <h2 id="settlement-heading">{h.settlement.heading}</h2>
      <table class="settlement" data-testid="settlement">
        <tbody>
          {lines.map(([name, minor, minus]) => (
            <tr key={name} data-line={name}>
              <th scope="row">
                {h.settlement.lines[name]}
                {name === "commission" && commissionMinor === 0n && <span class="badge badge-leaf">{h.settlement.zero}</span>}
              </th>
              <td>
                {minus && <span class="minus">−</span>}
                <Amount value={money(minor)} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr data-line="net">
            <th scope="row">{h.settlement.net}</th>
            <td>
              <Amount value={money(net)} />
            </td>
          </tr>
        </tfoot>
      </table>
      <p class="hint">{h.settlement.hint}</p>
      {runs && (
        <div class="file-buttons">
          <FileButton act={act} room={props.room} name="settlement" label={h.summary.settlementFile} />
          <FileButton act={act} room={props.room} name="orders" label={h.summary.ordersFile} />
        </div>
      )}
      <Said act={act} />
    </section>
  );
}

function CharityStatement(props: { desk: Desk; room: Room; figures: RoomFigures }) {
  const h = hostText.use();
  const { desk, figures, room } = props;
  const act = useAct();
  const pledges = new Map([...desk.live.view.sales.values()].flatMap(({ pledge }) => (pledge === undefined ? [] : [[pledge.id, pledge] as const])));
  return (
    <section class="panel" aria-labelledby="charity-heading">
      <h2 id="charity-heading">{h.charity.heading}</h2>
      {figures.charity.length === 0 && <p class="hint">{h.charity.none}</p>}
      {figures.charity.map((total) => {
        const pledge = pledges.get(total.pledgeId);
        const { currency } = total;
        const standing = total.grossAccruedMinor - total.grossReversedMinor;
        return (
          <article key={total.pledgeId} class="charity-sum">
            <h3>
              {pledge === undefined ? total.pledgeId : <Titles pledge={pledge} />}
            </h3>
            {pledge?.parts.map((part) => (
              <p key={part.projectId} class="hint">
                <ProjectLink part={part} aside /> · <CharityName part={part} />
              </p>
            ))}
            <dl class="headline-figures">
              <Headline label={h.charity.standing} leaf>
                <Amount value={{ minor: standing, currency }} />
              </Headline>
              <Headline label={h.charity.confirmed}>
                <Amount value={{ minor: total.confirmedMinor, currency }} />
              </Headline>
              <Headline label={h.charity.remitted}>
                <Amount value={{ minor: total.remittedMinor, currency }} />
              </Headline>
            </dl>
          </article>
        );
      })}
      <p class="hint">{h.charity.hint}</p>
      {desk.rights?.runs === true && (
        <div class="file-buttons">
          <FileButton act={act} room={room} name="charity" label={h.summary.charityFile} />
        </div>
      )}
      <Said act={act} />
    </section>
  );
}

function FileButton(props: { act: ReturnType<typeof useAct>; room: Room; name: "orders" | "settlement" | "charity"; label: string }) {
  const h = hostText.use();
  const { act, room, name, label } = props;
  return (
    <button type="button" class="quiet file-button" data-testid={`file-${name}`} disabled={act.busy} onClick={() => void act.run(() => saveFile(room.id, name), h.fileSaved)}>
      <Sheets />
      {label}
    </button>
  );
}
