// One pool: what it promised, how much of it is matched, when, by which rule; and the switch that stops it.

import type { AuditLine } from "../../gen/apricot/v1/ops_pb";
import { FreezePoolSchema, MatchPoolSchema, type MatchPool, type PoolTerms } from "../../gen/apricot/v1/pool_pb";
import { Amount } from "../../parts/Amount";
import { Fact } from "../../parts/Fact";
import { ProjectName } from "../../parts/Gifts";
import { apart, useWords } from "../../text";
import { create } from "../../wire/messages";
import { write } from "../../wire/rest";
import { useActing } from "../Acting";
import { lengthOf, nothingPpm, percentOf, poolState, sumsOf, type PoolState } from "./pools";
import { PoolSlots } from "./PoolSlots";
import { poolsText } from "./text";

const TONES: Record<PoolState, string> = { open: "good", soon: "warm", drained: "warm", over: "soft", frozen: "bad" };

export function PoolCard(props: { pool: MatchPool; freeze: AuditLine | undefined }) {
  const { money } = useWords();
  const p = poolsText.use();
  const { may } = useActing();
  const { pool } = props;
  const { currency, terms } = pool;
  const now = Date.now();
  const state = poolState(pool, now);
  const { budget, spent, left } = sumsOf(pool.slots);
  const ofCurrency = (minor: bigint): string => money({ minor, currency });
  const length = lengthOf(spent, budget);
  const heading = `pool-${pool.id}`;
  return (
    <li class="pool" data-testid="pool" data-pool={pool.id} data-state={state} aria-labelledby={heading}>
      <header class="pool-head">
        <div>
          <h3 id={heading}>
            <bdi>{pool.sponsor}</bdi>
          </h3>
          <span class="tag" data-tone={TONES[state]} data-testid="pool-state">
            {p.states[state]}
          </span>
        </div>
        {may && <Switch pool={pool} left={ofCurrency(left)} />}
      </header>
      {pool.frozen && <Frozen freeze={props.freeze} />}
      <div class="pool-body">
        <div class="pool-promise">
          {terms !== undefined && <Rule terms={terms} currency={currency} />}
          <dl class="pool-figures">
            <Figure name={p.matched} minor={spent} currency={currency} testId="pool-matched" />
            <Figure name={p.left} minor={left} currency={currency} testId="pool-left" />
            <Figure name={p.budget} minor={budget} currency={currency} testId="pool-budget" />
          </dl>
          <div class="bar pool-bar" role="img" aria-label={p.barOf(ofCurrency(spent), ofCurrency(budget))}>
            <span style={{ width: `${length}%` }} />
          </div>
          <dl class="facts">
            {terms !== undefined && <Whom terms={terms} />}
            {terms !== undefined && (
              <Fact name={p.caps}>
                <Caps terms={terms} currency={currency} />
              </Fact>
            )}
            <Fact name={p.id}>
              <code>{pool.id}</code>
            </Fact>
          </dl>
        </div>
        <PoolSlots pool={pool} nowMs={now} />
      </div>
    </li>
  );
}

function Figure(props: { name: string; minor: bigint; currency: string; testId: string }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd data-testid={props.testId} data-minor={String(props.minor)}>
        <Amount value={props} />
      </dd>
    </div>
  );
}

function Rule(props: { terms: PoolTerms; currency: string }) {
  const { count, money } = useWords();
  const p = poolsText.use();
  const { rule } = props.terms;
  const ofCurrency = (minor: bigint): string => money({ minor, currency: props.currency });
  if (rule.case === "ratio") return <p class="pool-rule">{p.rules.ratio(percentOf(rule.value.ppm))}</p>;
  if (rule.case === "hearts") return <p class="pool-rule">{p.rules.hearts(count(rule.value.hearts), ofCurrency(rule.value.amountMinor))}</p>;
  if (rule.case !== "draw") return null;
  const { tiers } = rule.value;
  const nothing = nothingPpm(tiers);
  return (
    <div>
      <p class="pool-rule">{p.rules.draw}</p>
      <ul class="pool-draws">
        {tiers.map(({ chancePpm, amountMinor }, at) => (
          <li key={at}>{p.rules.tier(percentOf(chancePpm), ofCurrency(amountMinor))}</li>
        ))}
        {nothing > 0 && <li data-nothing="true">{p.rules.nothing(percentOf(nothing))}</li>}
      </ul>
    </div>
  );
}

/** Whose project it is added to. */
function Whom(props: { terms: PoolTerms }) {
  const p = poolsText.use();
  const { project, rule } = props.terms;
  const hearts = rule.case === "hearts" ? rule.value : undefined;
  return (
    <>
      {(project !== "" || hearts === undefined) && <Fact name={p.forWhom}>{project === "" ? p.anyProject : <ProjectName project={project} aside />}</Fact>}
      {hearts !== undefined && (
        <>
          <Fact name={p.room}>
            <a href={`#room=${encodeURIComponent(hearts.roomId)}`}>
              <bdi>{hearts.roomId}</bdi>
            </a>
          </Fact>
          <Fact name={p.pledge}>
            <a href={`/pledges/${encodeURIComponent(hearts.pledgeId)}`} target="_blank" rel="noopener">
              {p.toPledge}
            </a>
          </Fact>
        </>
      )}
    </>
  );
}

function Caps(props: { terms: PoolTerms; currency: string }) {
  const { count, money } = useWords();
  const p = poolsText.use();
  const { buyerDayCapMinor, projectCapMinor, buyerMinuteLimit } = props.terms;
  const { currency } = props;
  return (
    <ul>
      {buyerDayCapMinor > 0n && <li>{p.capDay(money({ minor: buyerDayCapMinor, currency }))}</li>}
      {projectCapMinor > 0n && <li>{p.capProject(money({ minor: projectCapMinor, currency }))}</li>}
      <li>{p.capMinute(count(buyerMinuteLimit))}</li>
    </ul>
  );
}

function Frozen(props: { freeze: AuditLine | undefined }) {
  const { stamp } = useWords();
  const p = poolsText.use();
  const { freeze } = props;
  return (
    <p class="pool-frozen" data-testid="pool-frozen">
      <b>{p.frozenNow}</b>{" "}
      {freeze !== undefined && (
        <span>
          {p.frozenWhy(apart(freeze.reason))} <span class="pool-frozen-who">{p.frozenBy(apart(freeze.actor), stamp(Number(freeze.atMs)))}</span>
        </span>
      )}
    </p>
  );
}

function Switch(props: { pool: MatchPool; left: string }) {
  const p = poolsText.use();
  const { ask } = useActing();
  const { pool } = props;
  const words = pool.frozen ? p.unfreeze : p.freeze;
  const turn = (): void =>
    ask({
      title: words.title(apart(pool.sponsor)),
      happens: words.happens(props.left),
      yes: words.yes,
      grave: !pool.frozen,
      act: (reason) => {
        const body = { schema: FreezePoolSchema, message: create(FreezePoolSchema, { reason }) };
        return write("post", pool.frozen ? "/v1/pools/{pool}/unfreeze" : "/v1/pools/{pool}/freeze", { pool: pool.id }, body, MatchPoolSchema);
      },
      leaves: pool.frozen ? "unfreeze-pool" : "freeze-pool",
    });
  return (
    <button type="button" class={`act ${pool.frozen ? "" : "grave"}`} data-testid={pool.frozen ? "unfreeze" : "freeze"} onClick={turn}>
      {words.button}
    </button>
  );
}
