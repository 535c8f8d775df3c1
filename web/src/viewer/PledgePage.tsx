// One pledge: who gives what to whom, under which agreement, and where the money is.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";

import "./pledge.css";

import { CharityTotalSchema, PledgeBase, PledgeSchema, Rounding, type CharityTotal, type Pledge, type PledgePart } from "../gen/apricot/v1/charity_pb";
import type { Money } from "../gen/apricot/v1/common_pb";
import { Amount, ClimbingAmount } from "../parts/Amount";
import { GivingBar } from "../parts/Charity";
import { Fact } from "../parts/Fact";
import { LeafLink, tallied } from "../parts/LeafLink";
import { CharityName, ProjectLink, Titles, titlesOf } from "../parts/Gifts";
import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Leaf } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { newestTotal } from "../room/state";
import { overOf } from "../pledged";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";
import { Back } from "./Back";
import { Poster } from "./Poster";

type Reading =
  | { readonly kind: "reading" | "missing" | "failed" }
  | { readonly kind: "read"; readonly pledge: Pledge; readonly total: CharityTotal; readonly atMs: number };

const AGAIN_EVERY_MS = 10_000;

export function PledgePage(props: { pledgeId: string }) {
  const { t } = useWords();
  const { pledgeId } = props;
  const [reading, setReading] = useState<Reading>({ kind: "reading" });
  useTitle(reading.kind === "read" ? `${titlesOf(t, reading.pledge)} · ${t.brand}` : t.brand);

  const readAll = useCallback(async () => {
    try {
      const [pledge, total] = await Promise.all([
        read("/v1/pledges/{pledge}", { pledge: pledgeId }, PledgeSchema),
        read("/v1/pledges/{pledge}/total", { pledge: pledgeId }, CharityTotalSchema),
      ]);
      setReading((known) => {
        const seen = known.kind === "read" ? known.total : undefined;
        // A tally comes after the lines that it tallies: the reading may be the same, and the tally newer.
        const tallyLeaf = seen !== undefined && seen.tallyLeaf > total.tallyLeaf ? seen.tallyLeaf : total.tallyLeaf;
        return { kind: "read", pledge, total: { ...newestTotal(seen, total), tallyLeaf }, atMs: Date.now() };
      });
    } catch (error) {
      const missing = error instanceof Refused && error.problem.type === "not-found";
      // What was read stays; only an empty page says that it could not.
      setReading((known) => (known.kind === "read" ? known : { kind: missing ? "missing" : "failed" }));
    }
  }, [pledgeId]);
  useEffect(() => {
    void readAll();
    const look = (): void => {
      if (!document.hidden) void readAll();
    };
    const timer = setInterval(look, AGAIN_EVERY_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [readAll]);

  return (
    <main class="front pledge" data-testid="pledge" aria-busy={reading.kind === "reading"}>
      <header class="front-top pledge-top">
        <Poster low />
        <Back class="pledge-back" />
        <LanguageSwitch />
        <MotionSwitch />
      </header>
      {reading.kind === "reading" && (
        <div class="pledge-paper">
          <Skeleton lines={9} />
        </div>
      )}
      {reading.kind === "missing" && <Still whole title={t.pledge.missing} hint={t.pledge.missingHint} />}
      {reading.kind === "failed" && (
        <Still whole title={t.pledge.failed} hint={t.pledge.failedHint}>
          <button type="button" class="primary" onClick={() => void readAll()}>
            {t.tryAgain}
          </button>
        </Still>
      )}
      {reading.kind === "read" && <Paper {...reading} />}
    </main>
  );
}

function Paper(props: { pledge: Pledge; total: CharityTotal; atMs: number }) {
  const { t, money, percent, stamp } = useWords();
  const p = t.pledge;
  const { pledge, total } = props;
  const { currency } = total;
  const standing = total.grossAccruedMinor - total.grossReversedMinor;
  const amount = (minor: bigint): Money => ({ $typeName: "apricot.v1.Money", minor, currency });
  const over = overOf(pledge, total, props.atMs);
  return (
    <article class="pledge-paper">
      <p class="pledge-kicker">
        <Leaf />
        {p.heading}
      </p>
      <h1 data-testid="pledge-project">
        <Titles pledge={pledge} />
      </h1>
      {pledge.parts.map((part) => (
        <div key={part.projectId} data-testid="pledge-part">
          {pledge.parts.length > 1 && (
            <p class="pledge-charity">
              <ProjectLink part={part} /> {p.partOf(percent(ofWhole(pledge, part)))}
            </p>
          )}
          <p class="pledge-charity">
            {p.by} <CharityName part={part} />
          </p>
          {pledge.parts.length === 1 && (
            <p class="pledge-charity">
              <ProjectLink part={part} label={p.openProject} />
            </p>
          )}
        </div>
      ))}
      {over !== undefined && (
        <p class="pledge-over" role="status" data-testid="pledge-over" data-over={over}>
          {t.charity.over[over]}
        </p>
      )}

      <section class="pledge-money" aria-labelledby="pledge-means">
        <div class="pledge-sum" data-testid="pledge-accrued" data-minor={String(standing)}>
          <LeafLink leaf={tallied(total.tallyLeaf)} what={`${t.charity.accrued} ${money(amount(standing))}`}>
            <ClimbingAmount value={{ minor: standing, currency }} class="charity-big" />
          </LeafLink>
        </div>
        <GivingBar standing={standing} confirmed={total.confirmedMinor} remitted={total.remittedMinor} />
        <h2 id="pledge-means" class="unseen">
          {p.means}
        </h2>
        <dl class="pledge-three">
          <Figure kind="accrued" name={t.charity.accrued} value={amount(standing)} leaf={tallied(total.tallyLeaf)}>
            {p.meansAccrued} {total.grossReversedMinor > 0n && p.reversed(money(amount(total.grossReversedMinor)))}
          </Figure>
          <Figure kind="confirmed" name={t.charity.confirmed} value={amount(total.confirmedMinor)} leaf={tallied(total.tallyLeaf)}>
            {p.meansConfirmed}
          </Figure>
          <Figure kind="remitted" name={t.charity.remitted} value={amount(total.remittedMinor)} leaf={tallied(total.tallyLeaf)}>
            {p.meansRemitted}
          </Figure>
        </dl>
        <p class="hint">{p.asOf(stamp(props.atMs))}</p>
      </section>

      <section class="pledge-promise">
        <h2>{p.promise}</h2>
        <p class="pledge-share">
          {pledge.base === PledgeBase.PER_UNIT && pledge.perUnit !== undefined ? p.perUnit(money(pledge.perUnit)) : p.share(percent(pledge.sharePpm))}
        </p>
        <p class="hint">{p.donor}</p>
        {pledge.cap !== undefined && <Cap reached={amount(standing)} cap={pledge.cap} />}
        <dl class="facts">
          {pledge.cap === undefined && <Fact name={p.cap}>{p.noCap}</Fact>}
          <Fact name={p.period}>
            <Period from={pledge.startsAtMs} until={pledge.endsAtMs} />
          </Fact>
          <Fact name={p.roundingLabel}>{p.rounding[ROUNDING[pledge.rounding] ?? "unspecified"]}</Fact>
          <Fact name={p.version}>
            <Versions pledge={pledge} />
          </Fact>
        </dl>
      </section>

      {pledge.agreementSha256 !== "" && (
        <section class="pledge-proof">
          <h2>{p.agreement}</h2>
          <code>{pledge.agreementSha256.match(/.{1,8}/g)?.join(" ")}</code>
          <p class="hint">{p.agreementHint}</p>
        </section>
      )}
    </article>
  );
}

/** The newest, and those before it; each leads to its line of the log. */
function Versions(props: { pledge: Pledge }) {
  const { t, count } = useWords();
  const { leaves, version } = props.pledge;
  const told = leaves.some((one) => one.version === version) ? leaves : [...leaves, { version, leaf: undefined }];
  return (
    <span class="pledge-versions" data-testid="versions">
      {told.map((one) => (
        <span key={one.version}>
          <LeafLink leaf={one.leaf} what={`${t.pledge.version} ${count(one.version)}`}>
            {count(one.version)}
          </LeafLink>
        </span>
      ))}
    </span>
  );
}

/** A part's weight of all, in parts per million. */
function ofWhole(pledge: Pledge, part: PledgePart): number {
  const weight = (one: PledgePart): number => one.weight || 1;
  return (weight(part) * 1_000_000) / pledge.parts.reduce((sum, one) => sum + weight(one), 0);
}

const ROUNDING = {
  [Rounding.UNSPECIFIED]: "unspecified",
  [Rounding.DOWN]: "down",
  [Rounding.HALF_EVEN]: "halfEven",
  [Rounding.UP]: "up",
} as const;

function Figure(props: { kind: string; name: string; value: Money; leaf: bigint | undefined; children: ComponentChildren }) {
  const { money } = useWords();
  return (
    <div data-kind={props.kind}>
      <dt>
        {props.name}{" "}
        <LeafLink leaf={props.leaf} what={`${props.name} ${money(props.value)}`}>
          <Amount value={props.value} />
        </LeafLink>
      </dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Cap(props: { reached: Money; cap: Money }) {
  const { t, money } = useWords();
  const { reached, cap } = props;
  const full = reached.minor >= cap.minor;
  return (
    <div class="pledge-cap">
      <span>
        <b>{t.pledge.cap}</b> {t.pledge.capOf(money(reached), money(cap))}
      </span>
      <meter min={0} max={1} value={cap.minor <= 0n ? 1 : Number((reached.minor * 1000n) / cap.minor) / 1000} aria-label={t.pledge.cap} />
      {full && <span class="pledge-full">{t.pledge.capFull}</span>}
    </div>
  );
}

function Period(props: { from: bigint; until: bigint }) {
  const { t, day } = useWords();
  const from = props.from > 0n ? day(Number(props.from)) : undefined;
  const until = props.until > 0n ? day(Number(props.until)) : undefined;
  if (from !== undefined && until !== undefined) return <>{t.pledge.between(from, until)}</>;
  if (from !== undefined) return <>{t.pledge.from(from)}</>;
  return <>{until === undefined ? t.pledge.always : t.pledge.until(until)}</>;
}
