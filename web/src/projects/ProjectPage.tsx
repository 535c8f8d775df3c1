// One project: whose it is, what it was given, where the money is, and what it told the public.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";

import "../look/public.css";
import "./projects.css";

import { PledgeBase, type Pledge } from "../gen/apricot/v1/charity_pb";
import { ProjectPageSchema, type ProgressReport, type ProjectPage as Page, type ProjectTotal, type ProjectTransfer, type RegisteredProject } from "../gen/apricot/v1/registry_pb";
import { Amount, ClimbingAmount } from "../parts/Amount";
import { GivingBar } from "../parts/Charity";
import { Fact } from "../parts/Fact";
import { LeafLink, tallied } from "../parts/LeafLink";
import { useTitle } from "../parts/page";
import { PublicTop } from "../parts/PublicTop";
import { Arrow, Leaf } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { apart, useWords } from "../text";
import { Back } from "../viewer/Back";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";
import { monthsBack } from "./months";
import { StateTag } from "./ProjectsPage";
import { projectsText } from "./text";

type Reading = { readonly kind: "reading" | "missing" | "failed" } | { readonly kind: "read"; readonly page: Page; readonly atMs: number };

const AGAIN_EVERY_MS = 10_000;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const STATEMENTS_MAX = 12;

export function ProjectPage(props: { projectId: string }) {
  const { t } = useWords();
  const p = projectsText.use();
  const { projectId } = props;
  const [reading, setReading] = useState<Reading>({ kind: "reading" });
  useTitle(reading.kind === "read" ? `${reading.page.project?.project?.title ?? ""} · ${t.brand}` : t.brand);
  const look = useCallback(async () => {
    try {
      const page = await read("/v1/projects/{project}", { project: projectId }, ProjectPageSchema);
      setReading((known) => (known.kind === "read" && isOlder(page, known.page) ? known : { kind: "read", page, atMs: Date.now() }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const missing = error.problem.type === "not-found" || error.problem.type === "invalid-field";
      // What was read stays; only an empty page says that it could not.
      setReading((known) => (known.kind === "read" ? known : { kind: missing ? "missing" : "failed" }));
    }
  }, [projectId]);
  useEffect(() => {
    void look();
    const seen = (): void => {
      if (!document.hidden) void look();
    };
    const timer = setInterval(seen, AGAIN_EVERY_MS);
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [look]);
  return (
    <main class="public project" data-testid="project" aria-busy={reading.kind === "reading"}>
      <PublicTop here={undefined} />
      {reading.kind === "reading" && <Skeleton lines={12} />}
      {reading.kind === "missing" && (
        <Still whole title={p.missing} hint={p.missingHint}>
          <a class="primary link-button" href="/projects">
            {p.toSearch}
          </a>
        </Still>
      )}
      {reading.kind === "failed" && (
        <Still whole title={p.failed} hint={p.failedHint}>
          <button type="button" class="primary" onClick={() => void look()}>
            {t.tryAgain}
          </button>
        </Still>
      )}
      {reading.kind === "read" && reading.page.project !== undefined && <Papers of={reading.page.project} page={reading.page} atMs={reading.atMs} />}
    </main>
  );
}

/** An answer that was overtaken: what only grows is less. */
function isOlder(page: Page, known: Page): boolean {
  const grown = (one: Page): bigint => one.totals.reduce((sum, total) => sum + total.grossAccruedMinor + total.grossReversedMinor, 0n);
  return grown(page) < grown(known);
}

/** The strip in a room brings it; whoever came by it wants to go back to the stream. */
const FROM_ROOM = "?from=room";

/** The tag that a code or a link carried goes on to the pledges. */
function fromTag(): string {
  const tag = new URLSearchParams(location.search).get("from") ?? "";
  return /^[a-z0-9_-]{1,32}$/.test(tag) ? `?from=${tag}` : "";
}

function Papers(props: { of: RegisteredProject; page: Page; atMs: number }) {
  const { day, stamp } = useWords();
  const p = projectsText.use();
  const { of, page, atMs } = props;
  const { project, charity } = of;
  if (project === undefined) return null;
  const cny = page.totals.find(({ currency }) => currency === (project.target?.currency ?? "CNY"));
  return (
    <>
      <header class="public-head project-head">
        <p class="project-tags">
          {fromTag() === FROM_ROOM && <Back />}
          <StateTag of={of} />
        </p>
        <h1 data-testid="project-title">
          <bdi>{project.title}</bdi>
        </h1>
        <p class="project-charity">
          <bdi>{charity?.name ?? ""}</bdi> <span class="charity-number">{p.registration(apart(project.charity))}</span>
        </p>
        {project.summary !== "" && (
          <p>
            <bdi>{project.summary}</bdi>
          </p>
        )}
      </header>
      <div class="project-columns">
        <div class="project-main">
          <section class="paper" aria-labelledby="project-money">
            <h2 id="project-money">{p.money}</h2>
            {page.totals.length === 0 && <p class="hint">{p.noMoney}</p>}
            {page.totals.map((total) => (
              <Totals key={total.currency} total={total} />
            ))}
            {project.target !== undefined && <Target accrued={standing(cny)} target={project.target} />}
            <p class="hint">{p.asOf(stamp(atMs))}</p>
          </section>
          <section class="paper" aria-labelledby="project-transfers">
            <h2 id="project-transfers">{p.transfers}</h2>
            <Transfers transfers={page.transfers} />
          </section>
          <section class="paper" aria-labelledby="project-reports">
            <h2 id="project-reports">{p.reports}</h2>
            <Clock dueAtMs={Number(of.reportDueAtMs)} now={atMs} />
            {page.reports.length === 0 && <p class="hint">{p.noReports}</p>}
            {page.reports.map((report) => (
              <Report key={report.id} report={report} />
            ))}
          </section>
          <section class="paper" aria-labelledby="project-pledges">
            <h2 id="project-pledges">{p.pledges}</h2>
            <Pledges page={page} projectId={project.id} />
          </section>
        </div>
        <div class="project-side">
          {project.giveUrl !== "" && (
            <section class="paper project-give">
              <a class="primary link-button" href={project.giveUrl} target="_blank" rel="noopener noreferrer external" data-testid="give">
                {p.give} <Arrow />
              </a>
              <p class="hint">{p.giveHint(apart(charity?.platform ?? ""))}</p>
            </section>
          )}
          <section class="paper">
            <dl class="facts">
              <Fact name={p.charity}>
                <bdi>{charity?.name ?? project.charity}</bdi>
                <br />
                <span class="hint">{p.registration(apart(project.charity))}</span>
              </Fact>
              {(charity?.qualification ?? "") !== "" && (
                <Fact name={p.qualification}>
                  <bdi>{charity?.qualification}</bdi>
                </Fact>
              )}
              {project.place !== "" && (
                <Fact name={p.place}>
                  <bdi>{project.place}</bdi>
                </Fact>
              )}
              {project.recordNumber !== "" && (
                <Fact name={p.record}>
                  <bdi>{project.recordNumber}</bdi>
                </Fact>
              )}
              <Fact name={p.since}>{day(Number(project.startedAtMs))}</Fact>
              {project.endedAtMs > 0n && <Fact name={p.until}>{day(Number(project.endedAtMs))}</Fact>}
            </dl>
          </section>
          <section class="paper project-code unprinted" aria-labelledby="project-code">
            <h2 id="project-code">{p.code}</h2>
            <img src={`/v1/projects/${project.id}/qr.svg?source=page`} alt={p.codeLabel(project.title)} width="180" height="180" loading="lazy" data-testid="code" />
            <p class="hint">{p.codeHint}</p>
            <a class="quiet link-button" href={`/v1/projects/${project.id}/qr.svg?source=screen`} download={`${project.id}.svg`}>
              {p.codeScreen}
            </a>
            <a class="quiet link-button" href={`/v1/projects/${project.id}/qr.svg?source=print&print=1`} download={`${project.id}-a6.svg`} data-testid="code-print">
              {p.codePrint}
            </a>
          </section>
          <section class="paper unprinted" aria-labelledby="project-statements">
            <h2 id="project-statements">{p.statements}</h2>
            <p class="hint">{p.statementsHint}</p>
            <ul class="project-statements">
              {monthsBack(atMs, Number(project.startedAtMs), STATEMENTS_MAX).map((month) => (
                <li key={month}>
                  <b>{month}</b>
                  <a href={`/v1/statements/projects/${project.id}/${month}/statement.html`} target="_blank" rel="noopener" data-testid="statement" aria-label={`${p.print} ${month}`}>
                    {p.print}
                  </a>
                  <a href={`/v1/statements/projects/${project.id}/${month}/statement.csv`} download={`${project.id}-${month}.csv`} aria-label={`${p.table} ${month}`}>
                    {p.table}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </>
  );
}

function standing(total: ProjectTotal | undefined): bigint {
  return (total?.grossAccruedMinor ?? 0n) - (total?.grossReversedMinor ?? 0n);
}

function Totals(props: { total: ProjectTotal }) {
  const { money } = useWords();
  const p = projectsText.use();
  const { total } = props;
  const { currency } = total;
  const stands = standing(total);
  return (
    <div class="project-totals" data-testid="totals" data-currency={currency}>
      <dl>
        <Figure kind="accrued" name={p.accrued} minor={stands} of={total}>
          {p.accruedMeans} {total.grossReversedMinor > 0n && p.reversed(money({ minor: total.grossReversedMinor, currency }))}
        </Figure>
        <Figure kind="confirmed" name={p.confirmed} minor={total.confirmedMinor} of={total}>
          {p.confirmedMeans}
        </Figure>
        <Figure kind="remitted" name={p.remitted} minor={total.remittedMinor} of={total}>
          {p.remittedMeans}
        </Figure>
        {total.matchedMinor > 0n && (
          <Figure kind="matched" name={p.matched} minor={total.matchedMinor} of={total}>
            {p.matchedMeans}
          </Figure>
        )}
      </dl>
      <GivingBar standing={stands} confirmed={total.confirmedMinor} remitted={total.remittedMinor} />
    </div>
  );
}

function Figure(props: { kind: string; name: string; minor: bigint; of: ProjectTotal; children: ComponentChildren }) {
  const { money } = useWords();
  const { kind, minor } = props;
  const { currency, tallyLeaf } = props.of;
  return (
    <div data-kind={kind} data-testid={`project-${kind}`} data-minor={String(minor)}>
      <dt>{props.name}</dt>
      <dd class="project-figure">
        <LeafLink leaf={tallied(tallyLeaf)} what={`${props.name} ${money({ minor, currency })}`}>
          <ClimbingAmount value={{ minor, currency }} />
        </LeafLink>
      </dd>
      <dd class="hint">{props.children}</dd>
    </div>
  );
}

function Target(props: { accrued: bigint; target: { readonly minor: bigint; readonly currency: string } }) {
  const { money } = useWords();
  const p = projectsText.use();
  const { accrued, target } = props;
  const part = target.minor <= 0n ? 1 : Math.min(1, Number((accrued * 10_000n) / target.minor) / 10_000);
  return (
    <div class="project-target" data-testid="target">
      <span>
        <b>{p.target}</b> {p.targetOf(money({ minor: accrued, currency: target.currency }), money(target))}
      </span>
      <progress max={1} value={part} aria-label={p.target} />
    </div>
  );
}

function Transfers(props: { transfers: readonly ProjectTransfer[] }) {
  const { day, money } = useWords();
  const p = projectsText.use();
  if (props.transfers.length === 0) return <p class="hint">{p.noTransfers}</p>;
  return (
    <ul class="project-rows">
      {props.transfers.map((one) => (
        <li key={`${one.atMs}/${one.pledgeId}/${one.reference}`} data-testid="transfer">
          <span>{day(Number(one.atMs))}</span>
          <b>
            {one.amount !== undefined && (
              <LeafLink leaf={tallied(one.leaf)} what={`${day(Number(one.atMs))} ${money(one.amount)}`}>
                <Amount value={one.amount} />
              </LeafLink>
            )}
          </b>
          <span class="project-proof">
            <span class="hint">{p.reference}</span> <bdi>{one.reference === "" ? p.noProof : one.reference}</bdi>
          </span>
          {one.proofSha256 !== "" && <Hash name={p.proof} hash={one.proofSha256} />}
        </li>
      ))}
    </ul>
  );
}

/** A fingerprint: whole, because whoever compares it needs all of it. */
function Hash(props: { name: string; hash: string }) {
  return (
    <span class="project-proof">
      <span class="hint">{props.name}</span> <code title={`SHA-256 ${props.hash}`}>{props.hash.match(/.{1,8}/g)?.join(" ")}</code>
    </span>
  );
}

function Pledges(props: { page: Page; projectId: string }) {
  const { count } = useWords();
  const p = projectsText.use();
  const { pledges, pledgeCount } = props.page;
  if (pledges.length === 0) return <p class="hint">{p.noPledges}</p>;
  return (
    <>
      {pledgeCount > pledges.length && <p class="hint">{p.pledgesOf(count(pledges.length), count(pledgeCount))}</p>}
      <ul class="project-rows">
        {pledges.map((pledge) => (
          <li key={pledge.id} data-testid="project-pledge">
            <Given pledge={pledge} projectId={props.projectId} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Given(props: { pledge: Pledge; projectId: string }) {
  const { t, count, day, money, percent } = useWords();
  const p = projectsText.use();
  const { pledge } = props;
  const version = p.version(count(pledge.version));
  const weight = (one: Pledge["parts"][number]): number => one.weight || 1;
  const whole = pledge.parts.reduce((sum, one) => sum + weight(one), 0);
  const mine = pledge.parts.find(({ projectId }) => projectId === props.projectId);
  const until = t.charity.label.until(pledge.endsAtMs > 0n ? day(Number(pledge.endsAtMs)) : "", pledge.cap === undefined ? "" : money(pledge.cap));
  return (
    <>
      <span>
        <b>{pledge.base === PledgeBase.PER_UNIT && pledge.perUnit !== undefined ? p.perUnit(money(pledge.perUnit)) : p.share(percent(pledge.sharePpm))}</b>
        {mine !== undefined && pledge.parts.length > 1 && ` ${p.part(percent((weight(mine) * 1_000_000) / whole))}`}
      </span>
      <a href={`/pledges/${encodeURIComponent(pledge.id)}${fromTag()}`}>
        <Leaf /> {p.pledge}
      </a>
      <span class="hint">{until === "" ? t.charity.label.always : until}</span>
      {pledge.agreementSha256 !== "" && <Hash name={p.agreement} hash={pledge.agreementSha256} />}
      <span>
        <LeafLink leaf={pledge.leaves.find((one) => one.version === pledge.version)?.leaf} what={`${p.agreement}, ${version}`}>
          {version}
        </LeafLink>
      </span>
    </>
  );
}

/** When the next report is due, or for how long it has been. */
function Clock(props: { dueAtMs: number; now: number }) {
  const { count, day } = useWords();
  const p = projectsText.use();
  const { dueAtMs, now } = props;
  if (dueAtMs === 0) return <p class="hint">{p.allTold}</p>;
  const days = Math.ceil((dueAtMs - now) / DAY_MS);
  const tone = dueAtMs <= now ? "late" : days <= SOON_DAYS ? "soon" : "calm";
  return (
    <p class="project-clock" data-testid="clock" data-tone={tone}>
      {tone === "late" ? p.overdue(day(dueAtMs), count(Math.max(1, Math.floor((now - dueAtMs) / DAY_MS)))) : days <= 1 ? p.dueToday : p.due(day(dueAtMs), count(days))}
    </p>
  );
}

function Report(props: { report: ProgressReport }) {
  const { day } = useWords();
  const p = projectsText.use();
  const { report } = props;
  return (
    <article class="project-report" data-testid="report">
      <h3>
        <bdi>{report.title}</bdi>
      </h3>
      <p class="hint">{day(Number(report.atMs))}</p>
      <p class="project-text">
        <bdi>{report.text}</bdi>
      </p>
      {report.documentSha256 !== "" && <Hash name={p.document} hash={report.documentSha256} />}
    </article>
  );
}
