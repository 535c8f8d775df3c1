// The sum of everything, with its three states; sponsors' money beside it and not in it.

import type { ComponentChildren } from "preact";

import type { BoardRow } from "../gen/apricot/v1/log_pb";
import { Amount, ClimbingAmount } from "../parts/Amount";
import { GivingBar } from "../parts/Charity";
import { LeafLink } from "../parts/LeafLink";
import { useWords } from "../text";
import { matched, standing } from "./board";
import { boardText } from "./text";

export function Headline(props: { row: BoardRow; atMs: number; size: bigint }) {
  const b = boardText.use();
  const { count, money, stamp } = useWords();
  const { row } = props;
  const { currency } = row;
  const amount = (minor: bigint): string => money({ minor, currency });
  return (
    <section class="paper headline" data-testid="all" data-accrued={String(row.grossAccruedMinor)} data-reversed={String(row.grossReversedMinor)} data-leaf={String(row.tallyLeaf)}>
      <h2>{b.given}</h2>
      <ToLeaf row={row} what={`${b.given} ${amount(standing(row))}`}>
        <ClimbingAmount value={{ minor: standing(row), currency }} class="charity-big" />
      </ToLeaf>
      <GivingBar standing={standing(row)} confirmed={row.confirmedMinor} remitted={row.remittedMinor} />
      <p class="hint">{b.givenHint(amount(row.grossAccruedMinor), amount(row.grossReversedMinor))}</p>
      <dl>
        <Figure name={b.confirmed} row={row} shown={amount(row.confirmedMinor)}>
          <Amount value={{ minor: row.confirmedMinor, currency }} />
        </Figure>
        <Figure name={b.remitted} row={row} shown={amount(row.remittedMinor)}>
          <Amount value={{ minor: row.remittedMinor, currency }} />
        </Figure>
        <Figure name={b.orders} row={row} shown={count(row.orders)}>
          {count(row.orders)}
        </Figure>
        <Figure name={b.paid} row={row} shown={amount(row.paidMinor)}>
          <Amount value={{ minor: row.paidMinor, currency }} />
        </Figure>
        <Figure name={b.matched} row={row} shown={amount(matched(row))} hint={b.matchedHint}>
          <Amount value={{ minor: matched(row), currency }} />
        </Figure>
      </dl>
      <p class="hint">{b.asOf(stamp(props.atMs), count(props.size))}</p>
    </section>
  );
}

function Figure(props: { name: string; row: BoardRow; shown: string; hint?: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>
        <ToLeaf row={props.row} what={`${props.name} ${props.shown}`}>
          {props.children}
        </ToLeaf>
        {props.hint !== undefined && <span class="hint">{props.hint}</span>}
      </dd>
    </div>
  );
}

export function ToLeaf(props: { row: BoardRow; what: string; children: ComponentChildren }) {
  return (
    <LeafLink leaf={props.row.tallyLeaf} what={props.what}>
      {props.children}
    </LeafLink>
  );
}
