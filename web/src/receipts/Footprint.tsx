// What somebody's purchases gave: in all, for each project, and receipt by receipt.

import { useState } from "preact/hooks";

import { Amount, ClimbingAmount } from "../parts/Amount";
import { ProjectName } from "../parts/Gifts";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { forgetToken } from "../wire/address";
import { ReceiptCard } from "./ReceiptCard";
import { useShelf } from "./shelf";
import { totalsOf, type Totals } from "./sums";
import { receiptsText } from "./text";
import { useTitles, type Titles } from "./titles";

export function Footprint() {
  const r = receiptsText.use();
  const { t, count } = useWords();
  const shelf = useShelf();
  const [codes, setCodes] = useState(false);
  const { listing, orders, papers } = shelf;
  const gifts = [...papers.values()].flatMap((paper) => (paper.kind === "read" ? [paper.gift] : []));
  const titles = useTitles([...new Set(gifts.flatMap(({ parts }) => parts.map(({ project }) => project)))]);

  if (listing.kind === "failed") {
    const known: Record<string, string> = t.problems;
    return (
      <section class="paper">
        <Still title={known[listing.problem] ?? r.failed} hint={r.failed}>
          <button type="button" class="primary" onClick={shelf.more}>
            {t.tryAgain}
          </button>
          <button
            type="button"
            class="plain"
            onClick={() => {
              forgetToken();
              location.reload();
            }}
          >
            {r.signInAgain}
          </button>
        </Still>
      </section>
    );
  }
  if (listing.kind === "reading" && orders.length === 0) {
    return (
      <div class="footprint" aria-busy="true">
        <section class="paper">
          <Skeleton lines={5} />
        </section>
        <section class="paper">
          <Skeleton lines={8} />
        </section>
      </div>
    );
  }
  if (orders.length === 0) {
    return (
      <section class="paper" data-testid="empty">
        <Still title={r.empty} hint={r.emptyHint}>
          <a class="link-button primary" href="/">
            {r.toRooms}
          </a>
        </Still>
      </section>
    );
  }
  const isAll = listing.kind === "read" && listing.next === "";
  const print = (): void => {
    setCodes(true);
    // Once the codes are drawn.
    setTimeout(() => globalThis.print(), 400);
  };
  return (
    <div class="footprint">
      {totalsOf(gifts).map(({ all, projects }) => (
        <Sums key={all.currency} all={all} projects={projects} titles={titles} />
      ))}
      {!isAll && <p class="hint">{r.shown(count(orders.length))}</p>}
      <div class="footprint-list">
        <h2>{r.list}</h2>
        <button type="button" class="quiet unprinted" data-testid="print" onClick={print}>
          {r.print}
        </button>
      </div>
      <ul class="receipt-cards">
        {orders.map((order) => (
          <ReceiptCard key={order.id} order={order} reading={papers.get(order.id) ?? { kind: "reading" }} titles={titles} withCode={codes} onAgain={() => shelf.again(order.id)} />
        ))}
      </ul>
      {listing.kind === "read" && listing.next !== "" && (
        <button type="button" class="quiet footprint-more" onClick={shelf.more}>
          {r.more}
        </button>
      )}
    </div>
  );
}

function Sums(props: { all: Totals; projects: readonly Totals[]; titles: Titles }) {
  const r = receiptsText.use();
  const { count } = useWords();
  const { all, projects } = props;
  const { currency } = all;
  const given = all.accrued - all.reversed;
  return (
    <section class="paper sums" data-testid="sums" data-given={String(given)}>
      <p class="sums-all">
        <span>{r.all}</span>
        <ClimbingAmount value={{ minor: given, currency }} class="charity-big" />
        <span class="hint">{r.ofOrders(count(all.orders))}</span>
      </p>
      <dl class="sums-parts">
        <Part name={r.confirmed} hint={r.confirmedHint} minor={all.confirmed} currency={currency} />
        <Part name={r.pending} hint={r.pendingHint} minor={given - all.confirmed} currency={currency} />
        {all.reversed > 0n && <Part name={r.reversed} minor={all.reversed} currency={currency} />}
        {all.matched > 0n && <Part name={r.matched} hint={r.matchedHint} minor={all.matched} currency={currency} />}
      </dl>
      <table class="sums-table">
        <caption class="unseen">{r.byProject}</caption>
        <thead>
          <tr>
            <th scope="col">{r.project}</th>
            <th scope="col">{r.orders}</th>
            <th scope="col">{r.given}</th>
            {all.matched > 0n && <th scope="col">{r.matched}</th>}
          </tr>
        </thead>
        <tbody>
          {projects.map((project) => (
            <tr key={project.project} data-testid="project">
              <th scope="row">
                <ProjectName project={project.project} title={props.titles.get(project.project)} />
              </th>
              <td>{count(project.orders)}</td>
              <td>
                <Amount value={{ minor: project.accrued - project.reversed, currency }} />
              </td>
              {all.matched > 0n && (
                <td>
                  <Amount value={{ minor: project.matched, currency }} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Part(props: { name: string; hint?: string; minor: bigint; currency: string }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>
        <Amount value={props} />
        {props.hint !== undefined && <span class="hint">{props.hint}</span>}
      </dd>
    </div>
  );
}
