// A new pledge: projects found in the register, how much, how long, and the agreement's fingerprint.

import { useState } from "preact/hooks";

import { CreatePledgeSchema } from "../../gen/apricot/v1/api_pb";
import { PledgeSchema, type Pledge } from "../../gen/apricot/v1/charity_pb";
import { problemText } from "../../parts/names";
import { Cross, Plus } from "../../parts/signs";
import { FileHash } from "../../projects/FileHash";
import { useSearch } from "../../projects/search";
import { apart, useWords } from "../../text";
import { create } from "../../wire/messages";
import { write } from "../../wire/rest";
import { useAct } from "../act";
import { Said } from "../Said";
import { EMPTY_PLEDGE, PARTS_MAX, readPledgeDraft, weightOf, type Mistake, type PledgeDraft } from "./draft";
import { pledgingText } from "./text";

const FOUND_SHOWN = 6;

export function PledgeForm(props: { onMade: (pledge: Pledge) => void }) {
  const p = pledgingText.use();
  const act = useAct();
  const [draft, setDraft] = useState<PledgeDraft>(EMPTY_PLEDGE);
  const [wrong, setWrong] = useState<ReadonlySet<Mistake>>(new Set());
  const change = (more: Partial<PledgeDraft>): void => setDraft((known) => ({ ...known, ...more }));
  const send = async (): Promise<void> => {
    const read = readPledgeDraft(draft, Date.now());
    setWrong("mistakes" in read ? read.mistakes : new Set());
    if ("mistakes" in read) {
      const [first] = read.mistakes;
      if (first !== undefined) act.refuse(p.wrong[first]);
      return;
    }
    const message = create(CreatePledgeSchema, { pledge: read.pledge });
    await act.run(async () => props.onMade(await write("post", "/v1/pledges", {}, { schema: CreatePledgeSchema, message }, PledgeSchema)), p.saved);
  };
  const field = (name: "percent" | "perUnit" | "cap" | "from" | "until", label: string, mistake: Mistake, options: { hint?: string; day?: boolean } = {}) => (
    <label class="field" for={`pledge-${name}`}>
      <span>{label}</span>
      <input
        id={`pledge-${name}`}
        {...(options.day === true ? ({ type: "date" } as const) : ({ type: "text", inputMode: "decimal" } as const))}
        value={draft[name]}
        autocomplete="off"
        aria-invalid={wrong.has(mistake)}
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
      {(wrong.has(mistake) || options.hint !== undefined) && <small data-wrong={wrong.has(mistake)}>{wrong.has(mistake) ? p.wrong[mistake] : options.hint}</small>}
    </label>
  );
  return (
    <form
      class="form"
      novalidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Picked draft={draft} wrong={wrong} onChange={change} />
      {draft.parts.length < PARTS_MAX && <Find draft={draft} onChange={change} />}
      <label class="field" for="pledge-base">
        <span>{p.base}</span>
        <select id="pledge-base" value={draft.base} onChange={(event) => change({ base: event.currentTarget.value === "unit" ? "unit" : "price" })}>
          <option value="price">{p.ofPrice}</option>
          <option value="unit">{p.ofUnit}</option>
        </select>
      </label>
      <div class="form-pair">
        {draft.base === "price" ? field("percent", p.percent, "share", { hint: p.rounding }) : field("perUnit", p.perUnit, "unit")}
        {field("cap", p.cap, "cap", { hint: p.capHint })}
      </div>
      <div class="form-pair">
        {field("from", p.from, "period", { day: true })}
        {field("until", p.until, "period", { day: true, hint: p.periodHint })}
      </div>
      <FileHash id="agreement" words={p.file} value={draft.hash} wrong={wrong.has("hash")} onHash={(hash) => change({ hash })} />
      <button type="submit" class="primary big" data-testid="pledge-save" disabled={act.busy}>
        {p.save}
      </button>
      <Said act={act} />
    </form>
  );
}

function Picked(props: { draft: PledgeDraft; wrong: ReadonlySet<Mistake>; onChange: (more: Partial<PledgeDraft>) => void }) {
  const { percent } = useWords();
  const p = pledgingText.use();
  const { draft, wrong } = props;
  const whole = draft.parts.reduce((sum, { weight }) => sum + (weightOf(weight) ?? 0), 0);
  return (
    <fieldset class="pledge-parts">
      <legend>{p.projects}</legend>
      <p class={wrong.has("parts") ? "wrong" : "hint"}>{wrong.has("parts") ? p.wrong.parts : p.projectsHint}</p>
      {draft.parts.map((part) => (
        <div key={part.id} class="pledge-part" data-testid="pledge-part" data-project={part.id}>
          <span>
            <bdi>{part.title}</bdi> {draft.parts.length > 1 && whole > 0 && <span class="hint">{p.part(percent(((weightOf(part.weight) ?? 0) * 1_000_000) / whole))}</span>}
          </span>
          {draft.parts.length > 1 && (
            <label class="field pledge-weight">
              <span class="unseen">{p.weight(apart(part.title))}</span>
              <input
                value={part.weight}
                inputMode="numeric"
                maxLength={4}
                autocomplete="off"
                placeholder={p.weightShort}
                aria-invalid={wrong.has("weight") && weightOf(part.weight) === undefined}
                onInput={(event) => {
                  const weight = event.currentTarget.value;
                  props.onChange({ parts: draft.parts.map((one) => (one.id === part.id ? { ...one, weight } : one)) });
                }}
              />
            </label>
          )}
          <button type="button" class="round" aria-label={p.remove(apart(part.title))} onClick={() => props.onChange({ parts: draft.parts.filter(({ id }) => id !== part.id) })}>
            <Cross />
          </button>
        </div>
      ))}
      {wrong.has("weight") && <p class="wrong">{p.wrong.weight}</p>}
      {draft.parts.length >= PARTS_MAX && <p class="hint">{p.full}</p>}
    </fieldset>
  );
}

function Find(props: { draft: PledgeDraft; onChange: (more: Partial<PledgeDraft>) => void }) {
  const { t } = useWords();
  const p = pledgingText.use();
  const { draft } = props;
  const [words, setWords] = useState("");
  const { projects, problem } = useSearch(words);
  const picked = new Set(draft.parts.map(({ id }) => id));
  const found = (projects ?? []).flatMap(({ project, charity }) => (project === undefined || picked.has(project.id) || project.endedAtMs > 0n ? [] : [{ project, charity }]));
  return (
    <div class="pledge-find">
      <label class="field" for="pledge-search">
        <span>{p.search}</span>
        <input id="pledge-search" type="search" data-testid="pledge-search" value={words} maxLength={100} autocomplete="off" onInput={(event) => setWords(event.currentTarget.value)} />
      </label>
      {problem !== undefined && <p class="wrong">{problemText(t, problem)}</p>}
      {projects !== undefined && found.length === 0 && <p class="hint">{p.noneFound}</p>}
      <ul class="pledge-found">
        {found.slice(0, FOUND_SHOWN).map(({ project, charity }) => (
          <li key={project.id}>
            <button type="button" class="quiet" data-testid="pledge-pick" data-project={project.id} aria-label={p.add(apart(project.title))} onClick={() => props.onChange({ parts: [...draft.parts, { id: project.id, title: project.title, weight: "1" }] })}>
              <Plus />
              <span>
                <bdi>{project.title}</bdi>{" "}
                <span class="hint">
                  <bdi>{charity?.name ?? project.charity}</bdi>
                  {project.place !== "" && (
                    <>
                      {" · "}
                      <bdi>{project.place}</bdi>
                    </>
                  )}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
