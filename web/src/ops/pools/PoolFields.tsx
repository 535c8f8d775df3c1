// The fields of a new pool: whose it is, how it adds, when and how much; its limits are folded, with what they are.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Cross, Plus } from "../../parts/signs";
import { useSearch } from "../../projects/search";
import { useWords } from "../../text";
import { RULES, SLOTS_MAX, TIERS_MAX, chancesOf, kindOf, slotAfter, type DraftSlot, type DraftTier, type Field, type Kind, type Mistakes, type PoolDraft } from "./draft";
import { HeartsFields } from "./HeartsFields";
import { percentOf } from "./pools";
import { poolsText } from "./text";

/** What the dialog asks of its fields: what they say, and to show what is wrong with it. */
export interface PoolForm {
  draft: PoolDraft;
  refuse: (wrong: Mistakes) => void;
}

const FOLDED: ReadonlySet<Kind> = new Set(["dayCap", "projectCap", "minuteLimit", "currency"]);
const NOTHING_WRONG: Mistakes = new Map();

export type Input = (name: Field, label: string, value: string, onText: (text: string) => void, more?: InputOptions) => ComponentChildren;

interface InputOptions {
  readonly hint?: ComponentChildren;
  readonly kind?: "decimal" | "numeric" | "time";
  readonly long?: number;
  readonly list?: string;
  readonly bare?: boolean;
}

export function PoolFields(props: { form: PoolForm }) {
  const p = poolsText.use();
  const { form } = props;
  const [draft, setDraft] = useState(form.draft);
  const [wrong, setWrong] = useState(NOTHING_WRONG);
  const box = useRef<HTMLDivElement>(null);
  const [refusals, setRefusals] = useState(0);
  form.draft = draft;
  form.refuse = (mistakes) => {
    setWrong(mistakes);
    setRefusals((n) => n + 1);
  };
  const change = (more: Partial<PoolDraft>): void => setDraft((known) => ({ ...known, ...more }));
  /** With one more or one fewer, others stand in their places. */
  const counted = (more: Partial<Pick<PoolDraft, "tiers" | "slots">>): void => {
    if ((more.tiers ?? draft.tiers).length !== draft.tiers.length || (more.slots ?? draft.slots).length !== draft.slots.length) setWrong(NOTHING_WRONG);
    change(more);
  };
  useEffect(() => box.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [refusals]);

  const wrongText = (name: Field): string | undefined => {
    const bound = wrong.get(name);
    if (bound === undefined) return undefined;
    const said = p.wrong[kindOf(name)];
    return bound === "" ? said : p.bound(said, bound);
  };
  const input: Input = (name, label, value, onText, more = {}) => {
    const id = `pool-${name.replace(" ", "-")}`;
    const said = wrongText(name);
    const small = said ?? more.hint;
    return (
      <div class="field">
        <label for={id} class={more.bare === true ? "unseen" : undefined}>
          {label}
        </label>
        <input
          id={id}
          data-testid={id}
          {...(more.kind === "time" ? ({ type: "datetime-local" } as const) : ({ type: "text", inputMode: more.kind ?? "text" } as const))}
          value={value}
          maxLength={more.long}
          list={more.list}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={said !== undefined}
          aria-describedby={small === undefined ? undefined : `${id}-said`}
          onInput={(event) => {
            onText(event.currentTarget.value);
            if (said !== undefined) setWrong(new Map([...wrong].filter(([field]) => field !== name)));
          }}
        />
        {small !== undefined && (
          <small id={`${id}-said`} data-wrong={said !== undefined} data-testid={said === undefined ? undefined : `${id}-wrong`}>
            {small}
          </small>
        )}
      </div>
    );
  };
  const currency = draft.currency.trim().toUpperCase();
  return (
    <div class="pool-fields" ref={box}>
      {input("sponsor", p.fields.sponsor, draft.sponsor, (sponsor) => change({ sponsor }), { long: 100, hint: p.fields.sponsorHint })}
      <fieldset class="pool-part">
        <legend>{p.fields.rule}</legend>
        <div class="pool-choices">
          {RULES.map((rule) => (
            <label key={rule} class="pool-choice">
              <input type="radio" name="pool-rule" class="unseen" data-testid={`pool-rule-${rule}`} checked={draft.rule === rule} onChange={() => change({ rule })} />
              <span>{p.fields.ruleNames[rule]}</span>
            </label>
          ))}
        </div>
        {draft.rule === "ratio" && input("percent", p.fields.percent, draft.percent, (percent) => change({ percent }), { kind: "decimal", hint: p.fields.percentHint })}
        {draft.rule === "draw" && <Tiers tiers={draft.tiers} currency={currency} input={input} wrong={wrongText("tiers")} onChange={(tiers) => counted({ tiers })} />}
        {draft.rule === "hearts" && <HeartsFields draft={draft} currency={currency} input={input} onChange={change} />}
      </fieldset>
      <ProjectField project={draft.project} input={input} onText={(project) => change({ project })} />
      <Slots slots={draft.slots} currency={currency} input={input} onChange={(slots) => counted({ slots })} />
      <Folded summary={p.fields.moreNow(draft.dayCap.trim(), draft.minuteLimit.trim(), currency)} open={[...wrong.keys()].some((name) => FOLDED.has(kindOf(name)))}>
        <div class="pool-pair">
          {input("dayCap", p.fields.dayCap(currency), draft.dayCap, (dayCap) => change({ dayCap }), { kind: "decimal", hint: p.fields.dayCapHint })}
          {input("projectCap", p.fields.projectCap(currency), draft.projectCap, (projectCap) => change({ projectCap }), { kind: "decimal", hint: p.fields.projectCapHint })}
          {input("minuteLimit", p.fields.minuteLimit, draft.minuteLimit, (minuteLimit) => change({ minuteLimit }), { kind: "numeric", long: 4 })}
          {input("currency", p.fields.currency, draft.currency, (text) => change({ currency: text }), { long: 3 })}
        </div>
      </Folded>
    </div>
  );
}

function Tiers(props: { tiers: readonly DraftTier[]; currency: string; input: Input; wrong: string | undefined; onChange: (tiers: readonly DraftTier[]) => void }) {
  const { count } = useWords();
  const p = poolsText.use();
  const { tiers, input } = props;
  const change = (at: number, more: Partial<DraftTier>): void => props.onChange(tiers.map((tier, n) => (n === at ? { ...tier, ...more } : tier)));
  const chances = chancesOf(tiers);
  return (
    <div class="pool-tiers" role="group" aria-label={p.fields.tiers}>
      <p class="pool-tier hint" aria-hidden="true">
        <span>{p.fields.chanceHead}</span>
        <span>{p.fields.amountHead(props.currency)}</span>
      </p>
      {tiers.map(({ chance, amount }, at) => (
        <div key={at} class="pool-tier">
          {input(`chance ${at}`, p.fields.chance(count(at + 1)), chance, (text) => change(at, { chance: text }), { kind: "decimal", bare: true })}
          {input(`amount ${at}`, p.fields.amount(count(at + 1), props.currency), amount, (text) => change(at, { amount: text }), { kind: "decimal", bare: true })}
          {tiers.length > 1 && (
            <button type="button" class="round" aria-label={p.fields.removeTier(count(at + 1))} onClick={() => props.onChange(tiers.filter((_, n) => n !== at))}>
              <Cross />
            </button>
          )}
        </div>
      ))}
      <p class={props.wrong === undefined ? "hint" : "wrong"} data-testid={props.wrong === undefined ? undefined : "pool-tiers-wrong"}>
        {props.wrong ?? (chances < 1_000_000 ? p.fields.nothing(percentOf(1_000_000 - chances)) : "")}
      </p>
      {tiers.length < TIERS_MAX && (
        <button type="button" class="quiet pool-add" data-testid="pool-add-tier" onClick={() => props.onChange([...tiers, { chance: "1", amount: "" }])}>
          <Plus />
          {p.fields.addTier}
        </button>
      )}
    </div>
  );
}

function ProjectField(props: { project: string; input: Input; onText: (text: string) => void }) {
  const p = poolsText.use();
  const { projects = [] } = useSearch(props.project);
  const known = projects.find(({ project }) => project?.id === props.project.trim())?.project;
  const hint = known === undefined ? p.fields.projectHint : <bdi>{known.title}</bdi>;
  return (
    <>
      {props.input("project", p.fields.project, props.project, props.onText, { long: 64, list: "pool-projects", hint })}
      <datalist id="pool-projects">
        {projects.map(({ project }) => project !== undefined && <option key={project.id} value={project.id} label={project.title} />)}
      </datalist>
    </>
  );
}

function Slots(props: { slots: readonly DraftSlot[]; currency: string; input: Input; onChange: (slots: readonly DraftSlot[]) => void }) {
  const { count } = useWords();
  const p = poolsText.use();
  const { slots, input } = props;
  const change = (at: number, more: Partial<DraftSlot>): void => props.onChange(slots.map((slot, n) => (n === at ? { ...slot, ...more } : slot)));
  return (
    <>
      {slots.map((slot, at) => (
        <fieldset key={at} class="pool-part pool-slot-fields" data-testid="pool-slot-fields">
          <legend>{p.fields.slot(count(at + 1))}</legend>
          {slots.length > 1 && (
            <button type="button" class="round" aria-label={p.fields.removeSlot(count(at + 1))} onClick={() => props.onChange(slots.filter((_, n) => n !== at))}>
              <Cross />
            </button>
          )}
          <div class="pool-pair">
            {input(`opens ${at}`, p.fields.opens, slot.opens, (opens) => change(at, { opens }), { kind: "time", ...(at === 0 ? { hint: p.fields.opensHint } : {}) })}
            {input(`closes ${at}`, p.fields.closes, slot.closes, (closes) => change(at, { closes }), { kind: "time" })}
          </div>
          {input(`budget ${at}`, p.fields.budget(props.currency), slot.budget, (budget) => change(at, { budget }), { kind: "decimal" })}
        </fieldset>
      ))}
      {slots.length < SLOTS_MAX && (
        <button type="button" class="quiet pool-add" data-testid="pool-add-slot" onClick={() => props.onChange([...slots, slotAfter(slots, Date.now())])}>
          <Plus />
          {p.fields.addSlot}
        </button>
      )}
    </>
  );
}

/** Opens by itself when something in it is wrong. */
function Folded(props: { summary: string; open: boolean; children: ComponentChildren }) {
  const p = poolsText.use();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (props.open) setOpen(true);
  }, [props.open]);
  return (
    <details class="pool-more" open={open || props.open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary data-testid="pool-more">
        {p.fields.more} <span class="hint">{props.summary}</span>
      </summary>
      {props.children}
    </details>
  );
}
