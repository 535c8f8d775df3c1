// What was given in all, where it came from and where it goes. Every number leads to the line of the log that states it.

import { useCallback, useEffect, useState } from "preact/hooks";

import { BoardSchema, type Board } from "../gen/apricot/v1/log_pb";
import { useLater } from "../parts/Later";
import { PublicTop } from "../parts/PublicTop";
import { useTitle } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";
import { Audit } from "./Audit";
import { currenciesOf, daysOf, later, placesOf, rowsIn } from "./board";
import { Headline } from "./Headline";
import { ProvinceMap } from "./ProvinceMap";
import { RowTable } from "./RowTable";
import { boardText } from "./text";

const AGAIN_EVERY_MS = 5_000;

interface Reading {
  readonly board: Board | undefined;
  readonly isAway: boolean;
}

const loadChart = async () => (await import("./DaysChart")).DaysChart;

export function BoardPage() {
  const b = boardText.use();
  const { t, moment } = useWords();
  const [{ board, isAway }, setReading] = useState<Reading>({ board: undefined, isAway: false });
  const [chosen, setChosen] = useState("");
  useTitle(`${b.heading} · ${t.brand}`);

  const look = useCallback(async () => {
    try {
      const fresh = await read("/v1/board", {}, BoardSchema);
      setReading((known) => ({ board: later(known.board, fresh), isAway: false }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setReading((known) => ({ ...known, isAway: true }));
    }
  }, []);
  useEffect(() => {
    void look();
    const lookIfSeen = (): void => {
      if (!document.hidden) void look();
    };
    const timer = setInterval(lookIfSeen, AGAIN_EVERY_MS);
    document.addEventListener("visibilitychange", lookIfSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", lookIfSeen);
    };
  }, [look]);

  const currencies = board === undefined ? [] : currenciesOf(board);
  const currency = currencies.includes(chosen) ? chosen : (currencies[0] ?? "");
  return (
    <main class="public board" data-testid="board" data-size={board === undefined ? undefined : String(board.logSize)}>
      <PublicTop here="board" />
      <div class="public-head">
        <h1>{b.heading}</h1>
        <p>{b.lead}</p>
        {currencies.length > 1 && (
          <div class="currencies" role="group" aria-label={b.currency}>
            {currencies.map((one) => (
              <button key={one} type="button" class="quiet" aria-pressed={one === currency} onClick={() => setChosen(one)}>
                {one}
              </button>
            ))}
          </div>
        )}
      </div>
      {board === undefined && !isAway && (
        <section class="paper" aria-busy="true">
          <Skeleton lines={9} />
        </section>
      )}
      {board === undefined && isAway && (
        <section class="paper">
          <Still title={b.failed} hint={b.failedHint}>
            <button type="button" class="primary" onClick={() => void look()}>
              {t.tryAgain}
            </button>
          </Still>
        </section>
      )}
      {board !== undefined && isAway && (
        <p class="stale" role="status">
          {b.stale(moment(Number(board.atMs), Date.now()))}
        </p>
      )}
      {board !== undefined && currency === "" && (
        <section class="paper" data-testid="empty">
          <Still title={b.empty} hint={b.emptyHint} />
        </section>
      )}
      {board !== undefined && currency !== "" && <Papers board={board} currency={currency} />}
    </main>
  );
}

function Papers(props: { board: Board; currency: string }) {
  const b = boardText.use();
  const { language } = useWords();
  const { board, currency } = props;
  const chart = useLater(loadChart);
  const [all] = rowsIn(board.all, currency);
  const places = placesOf(rowsIn(board.counties, currency));
  return (
    <div class="board-papers">
      <div class="board-top">
        <div class="board-side">
          {all !== undefined && <Headline row={all} atMs={Number(board.atMs)} size={board.logSize} />}
          <section class="paper places">
            <h2>{b.counties}</h2>
            <RowTable
              testId="counties"
              name={b.county}
              rows={places.map(({ row, province }) => ({ row, name: row.key, note: province === undefined ? b.elsewhere : language === "en" ? province.en : province.zh }))}
            />
            {places.some(({ province }) => province === undefined) && <p class="hint">{b.elsewhereHint}</p>}
          </section>
          <section class="paper others">
            <h2>{b.projects}</h2>
            <RowTable testId="projects" name={b.project} rows={rowsIn(board.projects, currency).map((row) => ({ row, name: row.title || row.key, project: row.key }))} />
          </section>
          <section class="paper others">
            <h2>{b.produce}</h2>
            <RowTable testId="produce" name={b.produceName} rows={rowsIn(board.produce, currency).map((row) => ({ row, name: row.title || row.key }))} />
          </section>
        </div>
        <div class="board-side">
          <section class="paper origins">
            <h2>{b.map}</h2>
            <ProvinceMap places={places} />
          </section>
          <section class="paper days">
            <h2>{b.days}</h2>
            {chart.kind === "loading" && <Skeleton lines={6} />}
            {chart.kind === "failed" && <p class="wrong">{b.chartFailed}</p>}
            {chart.kind === "loaded" && <chart.part days={daysOf(board.days, currency)} currency={currency} />}
          </section>
        </div>
      </div>
      <Audit />
    </div>
  );
}
