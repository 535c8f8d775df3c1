// The rooms, their stock and money, and whether what must be true is true. Read again each second.

import { useEffect, useState } from "preact/hooks";

import { OverviewSchema, type Account, type Overview, type RoomOverview } from "../gen/apricot/v1/api_pb";
import type { Problem } from "../gen/apricot/v1/common_pb";
import { Amount } from "../parts/Amount";
import { problemText, roomStateName } from "../parts/names";
import { LanguageSwitch } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";

const EVERY_MS = 1_000;
/** Three missed readings are news. */
const LATE_MS = 3_500;

export function OverviewTable() {
  const { t, count } = useWords();
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
          setOverview(await read("/v1/ops/overview", OverviewSchema));
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
        <h1>{t.ops.heading}</h1>
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
            <Light good={overview.oversoldLots === 0} label={t.ops.oversold} detail={overview.oversoldLots === 0 ? "" : count(overview.oversoldLots)} />
            {Object.entries(overview.trialBalance?.sumMinor ?? {}).map(([currency, sum]) => (
              <Light key={currency} good={sum === 0n} label={t.ops.balance(currency)} detail={sum === 0n ? "" : String(sum)} />
            ))}
            <Light good={lateMs < LATE_MS} label={lateMs < LATE_MS ? t.ops.reading : t.ops.readingLate(count(Math.floor(lateMs / 1000)))} detail="" />
          </ul>
          {overview.rooms.length === 0 ? <Still title={t.ops.empty} /> : <Rooms rooms={overview.rooms} />}
          <Accounts accounts={overview.trialBalance?.accounts ?? []} />
          <p class="hint">{t.ops.version(overview.version)}</p>
        </>
      )}
    </main>
  );
}

function Light(props: { good: boolean; label: string; detail: string }) {
  const { t } = useWords();
  return (
    <li class="light" data-good={props.good}>
      <i aria-hidden="true" />
      <span>
        {props.label} <b>{props.good ? t.ops.good : t.ops.bad}</b> {props.detail}
      </span>
    </li>
  );
}

function Rooms(props: { rooms: readonly RoomOverview[] }) {
  const { t, count } = useWords();
  return (
    <div class="ops-scroll" tabIndex={0} role="region" aria-label={t.ops.heading}>
      <table>
        <thead>
          <tr>
            {[t.ops.room, t.ops.state, t.ops.viewers, t.ops.stock, t.ops.waiting, t.ops.paid, t.ops.gmv, t.ops.toPack].map((head) => (
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
                <td data-label={t.ops.state}>
                  <span class="state-tag" data-state={state}>
                    {t.room.state[state]}
                  </span>
                </td>
                <td data-label={t.ops.viewers}>{count(viewers)}</td>
                <td data-label={t.ops.stock}>
                  {`${sum(({ left }) => left)} / ${sum(({ held }) => held)} / ${sum(({ sold }) => sold)}`}
                  <Stack stocks={stocks} />
                </td>
                <td data-label={t.ops.waiting}>{sum(({ waiting }) => waiting)}</td>
                <td data-label={t.ops.paid}>{count(ordersPaid)}</td>
                <td data-label={t.ops.gmv}>
                  <Amount value={{ minor: gmvMinor, currency: currency === "" ? "CNY" : currency }} />
                </td>
                <td data-label={t.ops.toPack}>{count(ordersToPack)}</td>
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
  const { t } = useWords();
  if (props.accounts.length === 0) return null;
  return (
    <>
      <h2>{t.ops.ledger}</h2>
      <div class="ops-scroll" tabIndex={0} role="region" aria-label={t.ops.ledger}>
        <table class="accounts">
          <thead>
            <tr>
              {[t.ops.account, t.ops.debits, t.ops.credits, t.ops.balanceOf].map((head) => (
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
                <td data-label={t.ops.debits}>
                  <Amount value={{ minor: debitsMinor, currency }} />
                </td>
                <td data-label={t.ops.credits}>
                  <Amount value={{ minor: creditsMinor, currency }} />
                </td>
                <td data-label={t.ops.balanceOf}>
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
