// A pool's slots: when each is open, what it has matched, and the seed of its draws with the commitment that was published before.

import { useState } from "preact/hooks";

import type { MatchPool } from "../../gen/apricot/v1/pool_pb";
import { useWords } from "../../text";
import { firstShown, lengthOf, slotState, type SlotState } from "./pools";
import { poolsText } from "./text";

const TONES: Record<SlotState, string> = { open: "good", soon: "warm", drained: "warm", over: "soft" };
const SHOWN = 4;

export function PoolSlots(props: { pool: MatchPool; nowMs: number }) {
  const { count, money, moment, stamp } = useWords();
  const p = poolsText.use();
  const { slots, currency, terms, frozen } = props.pool;
  const [all, setAll] = useState(false);
  const first = all ? 0 : firstShown(slots, props.nowMs, SHOWN);
  const shown = all ? slots : slots.slice(first, first + SHOWN);
  const ofCurrency = (minor: bigint): string => money({ minor, currency });
  return (
    <div class="pool-slots">
      <h4>{p.slotsOf(count(slots.length))}</h4>
      <ol data-testid="pool-slots" start={first + 1}>
        {shown.map(({ opensAtMs, closesAtMs, budgetMinor, spentMinor, leftMinor, hearts }, at) => {
          const state = slotState({ opensAtMs, closesAtMs, leftMinor }, props.nowMs);
          const [opens, closes] = [Number(opensAtMs), Number(closesAtMs)];
          return (
            <li key={first + at} data-testid="pool-slot" data-state={state}>
              <span class="pool-slot-when">{p.span(stamp(opens), moment(closes, opens))}</span>
              <span class="tag" data-tone={frozen && state === "open" ? "soft" : TONES[state]}>
                {p.slotStates[state]}
              </span>
              <span class="bar pool-bar" aria-hidden="true">
                <span style={{ width: `${lengthOf(spentMinor, budgetMinor)}%` }} />
              </span>
              <span class="hint">
                {p.slotSpent(ofCurrency(spentMinor), ofCurrency(budgetMinor))}
                {terms?.rule.case === "hearts" && ` · ${p.hearts(count(hearts))}`}
              </span>
            </li>
          );
        })}
      </ol>
      {slots.length > SHOWN && (
        <button type="button" class="plain pool-all" data-testid="pool-all-slots" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? p.fewer : p.allSlots(count(slots.length))}
        </button>
      )}
      <details class="pool-more">
        <summary>{p.seeds}</summary>
        <p class="hint">{p.seedsHint}</p>
        <ol class="pool-seeds">
          {slots.map(({ seedSha256, seed }, at) => (
            <li key={at}>
              {slots.length > 1 && <b>{p.slot(count(at + 1))}</b>}
              <dl class="facts">
                <div>
                  <dt>{p.commitment}</dt>
                  <dd>
                    <code data-testid="pool-commitment">{seedSha256}</code>
                  </dd>
                </div>
                <div>
                  <dt>{p.seed}</dt>
                  <dd>{seed === "" ? p.seedLater : <code data-testid="pool-seed">{seed}</code>}</dd>
                </div>
              </dl>
            </li>
          ))}
        </ol>
      </details>
    </div>
  );
}
