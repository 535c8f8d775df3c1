// The fields of a sale's terms, with steppers: for the plan and for the sheet that opens the sale.

import type { Pledge } from "../gen/apricot/v1/charity_pb";
import { PledgeBase } from "../gen/apricot/v1/charity_pb";
import type { Money } from "../gen/apricot/v1/common_pb";
import { titlesOf } from "../parts/Gifts";
import { useWords } from "../text";
import { Stepper } from "./Stepper";
import { BOUNDS, pricedUp, stepped, type Draft, type DraftNumber, type Mistakes } from "./terms";
import { hostText } from "./text";

const STEPS: Record<DraftNumber, number> = { stock: 10, limit: 1, minutes: 5, holdSeconds: 30 };

export function TermsFields(props: {
  draft: Draft;
  mistakes: Mistakes;
  everyday: Money | undefined;
  onHand: number | undefined;
  pledges: readonly Pledge[] | undefined;
  onChange: (draft: Draft) => void;
}) {
  const { t, count, money, percent } = useWords();
  const h = hostText.use();
  const { draft, mistakes, everyday, onHand, pledges } = props;
  const number = (field: DraftNumber, label: string, hint?: string) => (
    <Stepper
      id={`sale-${field}`}
      label={label}
      value={draft[field]}
      hint={hint}
      wrong={mistakes.has(field) ? h.wrongNumber(count(BOUNDS[field][0]), count(BOUNDS[field][1])) : undefined}
      onText={(text) => props.onChange({ ...draft, [field]: text })}
      onStep={(by) => props.onChange({ ...draft, [field]: stepped(draft[field], by * STEPS[field], BOUNDS[field]) })}
    />
  );
  const gives = (pledge: Pledge): string =>
    pledge.base === PledgeBase.PER_UNIT && pledge.perUnit !== undefined ? h.terms.perUnit(money(pledge.perUnit)) : percent(pledge.sharePpm);
  return (
    <div class="terms">
      <Stepper
        id="sale-price"
        label={h.terms.price}
        value={draft.price}
        decimal
        hint={everyday === undefined ? undefined : h.terms.everyday(money(everyday))}
        wrong={mistakes.has("price") ? h.wrongPrice : undefined}
        onText={(price) => props.onChange({ ...draft, price })}
        onStep={(by) => props.onChange({ ...draft, price: pricedUp(draft.price, by) })}
      />
      {number("stock", h.terms.stock, onHand === undefined ? undefined : h.onHand(count(onHand)))}
      {number("limit", h.terms.limit)}
      {number("minutes", h.terms.minutes)}
      <label class="field terms-wide" for="sale-pledgeId">
        <span>{h.terms.pledge}</span>
        <select id="sale-pledgeId" value={draft.pledgeId} onChange={(event) => props.onChange({ ...draft, pledgeId: event.currentTarget.value })}>
          <option value="">{h.terms.noPledge}</option>
          {(pledges ?? []).map((pledge) => (
            <option key={pledge.id} value={pledge.id}>
              {`${titlesOf(t, pledge)} · ${gives(pledge)}`}
            </option>
          ))}
          {draft.pledgeId !== "" && pledges?.some(({ id }) => id === draft.pledgeId) !== true && <option value={draft.pledgeId}>{draft.pledgeId}</option>}
        </select>
      </label>
      {number("holdSeconds", h.terms.hold)}
    </div>
  );
}
