// The rooms, their stock and money, and whether what must be true is true. Read again each second.

import { useEffect, useState } from "preact/hooks";

import { OverviewSchema, type Account, type Overview, type RoomOverview } from "../gen/apricot/v1/ops_pb";
import type { Problem } from "../gen/apricot/v1/common_pb";
import { Amount } from "../parts/Amount";
import { problemText, roomStateName } from "../parts/names";
import { LanguageSwitch } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";
import { opsText } from "./text";

const EVERY_MS = 1_000;
/** Three missed readings are news. */
const LATE_MS = 3_500;

export function OverviewTable() {
  const { t, count } = useWords();
  const o = opsText.use();
  const [overview, setOverview] = useState<Overview>();
  const [readAtMs, setReadAtMs] = useState(() => Date.now());
  const [problem, setProblem] = useState<Problem>();
  const now = useServerTime(0);

  useEffect(() => {
    let timer = 0;
    let stopped = false;
    // The next reading is asked for only after the last has come: a slow server is not asked faster.
    const again = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          setOverview(await read("/v1/ops/overview", {}, OverviewSchema));
          setReadAtMs(Date.now());
          setProblem(undefined);
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setProblem(error.problem);
      } finally {
        if (!stopped) timer = window.setTimeout(() => void again(), EVERY_MS);
      }
    };
    void again();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, []);

  const lateMs = now - readAtMs;
  return (
    <main class="ops">
      <header class="ops-top">
        <h1>{o.heading}</h1>
        <LanguageSwitch />
      </header>
      {problem !== undefined && (
        <p class="wrong" role="alert">
          {problemText(t, problem)}
        </p>
      )}
      {overview === undefined && problem === undefined && <Skeleton lines={8} />}
      {overview !== undefined && (
        <>
          <ul class="lights">
            <Light good={overview.oversoldLots === 0} label={o.oversold} detail={overview.oversoldLots === 0 ? "" : count(overview.oversoldLots)} />
            {Object.entries(overview.trialBalance?.sumMinor ?? {}).map(([currency, sum]) => (
              <Light key={currency} good={sum === 0n} label={o.balance(currency)} detail={sum === 0n ? "" : String(sum)} />
            ))}
            <Light good={lateMs < LATE_MS} label={lateMs < LATE_MS ? o.reading : o.readingLate(count(Math.floor(lateMs / 1000)))} detail="" />
          </ul>
          {overview.rooms.length === 0 ? <Still title={o.empty} /> : <Rooms rooms={overview.rooms} />}
          <Accounts accounts={overview.trialBalance?.accounts ?? []} />
          <p class="hint">{o.version(overview.version)}</p>
        </>
      )}
    </main>
  );
}

function Light(props: { good: boolean; label: string; detail: string }) {
  const o = opsText.use();
  return (
    <li class="light" data-good={props.good}>
      <i aria-hidden="true" />
      <span>
        {props.label} <b>{props.good ? o.good : o.bad}</b> {props.detail}
      </span>
    </li>
  );
}

function Rooms(props: { rooms: readonly RoomOverview[] }) {
  const { t, count } = useWords();
  const o = opsText.use();
  return (
    <div class="ops-scroll" tabIndex={0} role="region" aria-label={o.heading}>
      <table>
        <thead>
          <tr>
            {[o.room, o.state, o.viewers, o.stock, o.waiting, o.paid, o.gmv, o.toPack].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rooms.map(({ room, viewers, stocks, ordersPaid, gmvMinor, currency, ordersToPack }) => {
            const sum = (of: (stock: (typeof stocks)[number]) => number): string => count(stocks.reduce((all, stock) => all + of(stock), 0));
            const state = roomStateName(room?.state ?? 0);
            return (
              <tr key={room?.id}>
                <th scope="row">
                  <a href={`/rooms/${encodeURIComponent(room?.id ?? "")}`}>{room?.title}</a>
                  <span class="hint">{room?.id}</span>
                </th>
                <td data-label={o.state}>
                  <span class="state-tag" data-state={state}>
                    {t.room.state[state]}
                  </span>
                </td>
                <td data-label={o.viewers}>{count(viewers)}</td>
                <td data-label={o.stock}>
                  {`${sum(({ left }) => left)} / ${sum(({ held }) => held)} / ${sum(({ sold }) => sold)}`}
                  <Stack stocks={stocks} />
                </td>
                <td data-label={o.waiting}>{sum(({ waiting }) => waiting)}</td>
                <td data-label={o.paid}>{count(ordersPaid)}</td>
                <td data-label={o.gmv}>
                  <Amount value={{ minor: gmvMinor, currency: currency === "" ? "CNY" : currency }} />
                </td>
                <td data-label={o.toPack}>{count(ordersToPack)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Sold, held and left of what was set aside, as lengths. */
function Stack(props: { stocks: RoomOverview["stocks"] }) {
  const whole = props.stocks.reduce((all, { left, held, sold }) => all + left + held + sold, 0);
  const share = (of: (stock: (typeof props.stocks)[number]) => number): string =>
    `${whole === 0 ? 0 : (props.stocks.reduce((all, stock) => all + of(stock), 0) / whole) * 100}%`;
  return (
    <span class="stack" aria-hidden="true">
      <span class="stack-sold" style={{ width: share(({ sold }) => sold) }} />
      <span class="stack-held" style={{ width: share(({ held }) => held) }} />
    </span>
  );
}

/** The whole trial balance: who is owed what. */
function Accounts(props: { accounts: readonly Account[] }) {
  const o = opsText.use();
  if (props.accounts.length === 0) return null;
  return (
    <>
      <h2>{o.ledger}</h2>
      <div class="ops-scroll" tabIndex={0} role="region" aria-label={o.ledger}>
        <table class="accounts">
          <thead>
            <tr>
              {[o.account, o.debits, o.credits, o.balanceOf].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {props.accounts.map(({ name, currency, debitsMinor, creditsMinor, balanceMinor }) => (
              <tr key={`${name} ${currency}`}>
                <th scope="row">{name}</th>
                <td data-label={o.debits}>
                  <Amount value={{ minor: debitsMinor, currency }} />
                </td>
                <td data-label={o.credits}>
                  <Amount value={{ minor: creditsMinor, currency }} />
                </td>
                <td data-label={o.balanceOf}>
                  <Amount value={{ minor: balanceMinor, currency }} class="balance" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
