// The host's pledges, beside what the host sells, and their statements by month.

import { useState } from "preact/hooks";

import "./pledge.css";

import { PledgeBase } from "../../gen/apricot/v1/charity_pb";
import { Titles } from "../../parts/Gifts";
import { Sheet } from "../../parts/Sheet";
import { Plus } from "../../parts/signs";
import { Skeleton } from "../../parts/Still";
import { monthOf } from "../../projects/months";
import { save } from "../../projects/save";
import { useWords } from "../../text";
import { file } from "../../wire/rest";
import { useAct } from "../act";
import type { Desk } from "../desk";
import { Said } from "../Said";
import { PledgeForm } from "./PledgeForm";
import { pledgingText } from "./text";

export function Pledges(props: { desk: Desk; host: string }) {
  const { t, day, money, percent } = useWords();
  const p = pledgingText.use();
  const { desk } = props;
  const [making, setMaking] = useState(false);
  return (
    <>
      <section class="panel" aria-labelledby="pledges-heading">
        <header class="panel-head">
          <h2 id="pledges-heading">{p.heading}</h2>
          <button type="button" class="primary" data-testid="pledge-new" onClick={() => setMaking(true)}>
            <Plus />
            {p.make}
          </button>
        </header>
        {desk.pledges === undefined && <Skeleton lines={3} />}
        <p class="hint">{desk.pledges?.length === 0 ? p.none : p.hint}</p>
        <ul class="pledge-list">
          {(desk.pledges ?? []).map((pledge) => {
            const until = t.charity.label.until(pledge.endsAtMs > 0n ? day(Number(pledge.endsAtMs)) : "", pledge.cap === undefined ? "" : money(pledge.cap));
            return (
              <li key={pledge.id} data-testid="pledge-made" data-pledge={pledge.id}>
                <span>
                  <b>
                    <Titles pledge={pledge} />
                  </b>
                  <span class="hint">
                    {pledge.base === PledgeBase.PER_UNIT && pledge.perUnit !== undefined ? money(pledge.perUnit) : percent(pledge.sharePpm)} · {until === "" ? t.charity.label.always : until}
                  </span>
                </span>
                <a href={`/pledges/${encodeURIComponent(pledge.id)}`} target="_blank" rel="noopener">
                  {p.page}
                </a>
              </li>
            );
          })}
        </ul>
        {making && (
          <Sheet label={p.formHeading} testId="pledge-form" onClose={() => setMaking(false)}>
            <header class="sheet-head">
              <h2>{p.formHeading}</h2>
            </header>
            <PledgeForm
              onMade={(pledge) => {
                desk.takePledge(pledge);
                setMaking(false);
              }}
            />
          </Sheet>
        )}
      </section>
      <Statements host={props.host} />
    </>
  );
}

function Statements(props: { host: string }) {
  const p = pledgingText.use();
  const act = useAct();
  const [month, setMonth] = useState(() => monthOf(Date.now()));
  const take = (what: "csv" | "html") =>
    act.run(async () => {
      const path = `/v1/statements/hosts/{host}/{months}/statement.${what}` as const;
      save(await file(path, { host: props.host, months: month }), `statement-${month}.${what}`);
    }, p.fileSaved);
  return (
    <section class="panel" aria-labelledby="statements-heading">
      <h2 id="statements-heading">{p.statements}</h2>
      <p class="hint">{p.statementsHint}</p>
      <label class="field pledge-month">
        <span>{p.month}</span>
        <input type="month" data-testid="statement-month" value={month} onInput={(event) => setMonth(event.currentTarget.value)} />
      </label>
      <div class="file-buttons">
        <button type="button" class="quiet" data-testid="statement-csv" disabled={act.busy || month === ""} onClick={() => void take("csv")}>
          {p.csv}
        </button>
        <button type="button" class="quiet" data-testid="statement-html" disabled={act.busy || month === ""} onClick={() => void take("html")}>
          {p.html}
        </button>
      </div>
      <Said act={act} />
    </section>
  );
}
