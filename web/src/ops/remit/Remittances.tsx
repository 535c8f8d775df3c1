// What is owed to charities, and how it gets there: one person proposes, another approves, the bank transfers, and the proof is kept.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import "./remit.css";

import { ProposeRemittanceSchema, RemittanceListSchema, RemittanceSchema, RemittanceState, TransferRemittanceSchema, WithdrawRemittanceSchema, type Owed, type Remittance } from "../../gen/apricot/v1/charity_pb";
import { Amount } from "../../parts/Amount";
import { problemText } from "../../parts/names";
import { Skeleton } from "../../parts/Still";
import { FileHash } from "../../projects/FileHash";
import { hashOf } from "../../projects/hash";
import { monthOf } from "../../projects/months";
import { save } from "../../projects/save";
import { apart, useWords } from "../../text";
import { Refused } from "../../wire/refused";
import { create } from "../../wire/messages";
import { file, read, write } from "../../wire/rest";
import { useActing } from "../Acting";
import { usePaged } from "../paged";
import { usePolled } from "../polled";
import { Table, type Column } from "../Table";
import { remitText } from "./text";

const OWED_EVERY_MS = 10_000;
const RUNS_EVERY_MS = 10_000;

const readOwed = async (): Promise<readonly Owed[]> => (await read("/v1/remittances", {}, RemittanceListSchema, { limit: 1 })).owed;
const readRuns = async (cursor: string): Promise<{ items: readonly Remittance[]; next: string }> => {
  const { remittances, nextCursor } = await read("/v1/remittances", {}, RemittanceListSchema, { cursor });
  return { items: remittances, next: nextCursor };
};

const STATES = {
  [RemittanceState.UNSPECIFIED]: "proposed",
  [RemittanceState.PROPOSED]: "proposed",
  [RemittanceState.APPROVED]: "approved",
  [RemittanceState.TRANSFERRED]: "transferred",
  [RemittanceState.WITHDRAWN]: "withdrawn",
} as const;
const TONES: Partial<Record<RemittanceState, string>> = { [RemittanceState.TRANSFERRED]: "good", [RemittanceState.WITHDRAWN]: "soft" };

export function Remittances(props: { me: string }) {
  const { done } = useActing();
  const owed = usePolled(readOwed, OWED_EVERY_MS);
  const runs = usePaged(useCallback(readRuns, []), ({ id }) => id, RUNS_EVERY_MS);
  useEffect(() => {
    owed.look();
    runs.look();
  }, [done]);
  const charities = new Map([...(owed.value ?? []), ...(runs.items ?? [])].map(({ charityRegistration, charityName }) => [charityRegistration, charityName]));
  return (
    <>
      <OwedTable owed={owed.value} problem={owed.problem} />
      <Runs me={props.me} runs={runs} />
      <Papers charities={charities} />
    </>
  );
}

function CharityCell(props: { name: string; registration: string }) {
  const r = remitText.use();
  return (
    <>
      <bdi>{props.name}</bdi>
      <bdi class="hint">{r.registration(props.registration)}</bdi>
    </>
  );
}

function OwedTable(props: { owed: readonly Owed[] | undefined; problem: ReturnType<typeof usePolled>["problem"] }) {
  const { t, count, money } = useWords();
  const r = remitText.use();
  const { may, ask } = useActing();
  const propose = ({ charityName, charityRegistration, amount }: Owed): void => {
    if (amount === undefined) return;
    ask({
      title: r.propose.title(apart(charityName)),
      happens: r.propose.happens(money(amount)),
      yes: r.propose.yes,
      grave: false,
      quiet: true,
      act: () => {
        const message = create(ProposeRemittanceSchema, { charityRegistration, currency: amount.currency });
        return write("post", "/v1/remittances", {}, { schema: ProposeRemittanceSchema, message }, RemittanceSchema);
      },
      leaves: "remittance-propose",
    });
  };
  const columns: readonly Column<Owed>[] = [
    { id: "charity", head: r.charity, words: true, by: ({ charityName }) => charityName, cell: ({ charityName, charityRegistration }) => <CharityCell name={charityName} registration={charityRegistration} /> },
    { id: "amount", head: r.amount, by: ({ amount }) => amount?.minor ?? 0n, cell: ({ amount }) => amount !== undefined && <Amount value={amount} /> },
    ...(may
      ? [
          {
            id: "acts",
            head: r.acts,
            wide: true,
            cell: (row: Owed) => (
              <button type="button" class="quiet" data-testid="propose" onClick={() => propose(row)}>
                {r.propose.button}
              </button>
            ),
          },
        ]
      : []),
  ];
  return (
    <section class="block" aria-labelledby="owed-heading">
      <header class="block-head">
        <h2 id="owed-heading">{r.owed}</h2>
        <p class="hint">{props.owed === undefined ? r.owedHint : `${count(props.owed.length)} · ${r.owedHint}`}</p>
      </header>
      {props.problem !== undefined && <p class="wrong">{problemText(t, props.problem)}</p>}
      {props.owed === undefined && props.problem === undefined && <Skeleton lines={3} />}
      {props.owed?.length === 0 && <p class="hint">{r.owedNone}</p>}
      {props.owed !== undefined && props.owed.length > 0 && (
        <Table label={r.owed} columns={columns} rows={props.owed} keyOf={({ charityRegistration, amount }) => `${charityRegistration} ${amount?.currency}`} rowData={({ charityRegistration }) => charityRegistration} testId="owed" />
      )}
    </section>
  );
}

function Runs(props: { me: string; runs: ReturnType<typeof usePaged<Remittance>> }) {
  const { t, count, stamp } = useWords();
  const r = remitText.use();
  const { may } = useActing();
  const { runs } = props;
  const columns: readonly Column<Remittance>[] = [
    { id: "charity", head: r.charity, words: true, cell: ({ charityName, charityRegistration }) => <CharityCell name={charityName} registration={charityRegistration} /> },
    {
      id: "amount",
      head: r.amount,
      cell: ({ amount, lines }) => (
        <>
          {amount !== undefined && <Amount value={amount} />}
          <span class="hint">{r.lines(count(lines.length))}</span>
        </>
      ),
    },
    {
      id: "state",
      head: r.state,
      words: true,
      cell: ({ state, reference, proofSha256, reason }) => (
        <>
          <span class="tag" data-tone={TONES[state] ?? "warm"} data-testid="run-state" data-state={STATES[state] ?? "proposed"}>
            {r.states[STATES[state] ?? "proposed"]}
          </span>
          {reference !== "" && (
            <span class="hint">
              {r.reference} <bdi>{reference}</bdi>
            </span>
          )}
          {proofSha256 !== "" && (
            <span class="hint" title={`SHA-256 ${proofSha256}`}>
              {r.hash} <code>{proofSha256.slice(0, 16)}…</code>
            </span>
          )}
          {reason !== "" && <span class="hint">{r.reason(apart(reason))}</span>}
        </>
      ),
    },
    {
      id: "who",
      head: r.who,
      words: true,
      wide: true,
      cell: ({ state, proposedBy, proposedAtMs, approvedBy, approvedAtMs, endedBy, endedAtMs }) => (
        <>
          <span class="hint">{r.proposedBy(apart(proposedBy), stamp(Number(proposedAtMs)))}</span>
          {approvedBy !== "" && <span class="hint">{r.approvedBy(apart(approvedBy), stamp(Number(approvedAtMs)))}</span>}
          {endedBy !== "" && <span class="hint">{(state === RemittanceState.WITHDRAWN ? r.withdrawnBy : r.transferredBy)(apart(endedBy), stamp(Number(endedAtMs)))}</span>}
        </>
      ),
    },
    ...(may ? [{ id: "acts", head: r.acts, wide: true, cell: (run: Remittance) => <Steps run={run} me={props.me} /> }] : []),
  ];
  return (
    <section class="block" aria-labelledby="runs-heading">
      <header class="block-head">
        <h2 id="runs-heading">{r.runs}</h2>
      </header>
      {runs.problem !== undefined && <p class="wrong">{problemText(t, runs.problem)}</p>}
      {runs.items === undefined && runs.problem === undefined && <Skeleton lines={5} />}
      {runs.items?.length === 0 && <p class="hint">{r.runsNone}</p>}
      {runs.items !== undefined && runs.items.length > 0 && <Table label={r.runs} columns={columns} rows={runs.items} keyOf={({ id }) => id} rowData={({ id }) => id} testId="runs" />}
      {runs.more !== undefined && (
        <button type="button" class="quiet" onClick={runs.more}>
          {t.more}
        </button>
      )}
    </section>
  );
}

function Steps(props: { run: Remittance; me: string }) {
  const { money } = useWords();
  const r = remitText.use();
  const { ask } = useActing();
  const { run } = props;
  const proof = useRef<{ reference: string; hash: string }>({ reference: "", hash: "" });
  if (run.amount === undefined) return null;
  const remittance = run.id;
  const name = apart(run.charityName);
  const amount = money(run.amount);
  const mine = run.proposedBy === props.me;
  const approve = (): void =>
    ask({
      title: r.approve.title(name),
      happens: r.approve.happens(amount, apart(run.proposedBy)),
      yes: r.approve.yes,
      grave: false,
      quiet: true,
      act: () => write("post", "/v1/remittances/{remittance}/approve", { remittance }, undefined, RemittanceSchema),
      leaves: "remittance-approve",
    });
  const transfer = (): void => {
    proof.current = { reference: "", hash: "" };
    ask({
      title: r.transfer.title(name),
      happens: r.transfer.happens(amount),
      yes: r.transfer.yes,
      grave: true,
      quiet: true,
      fields: <TransferFields onChange={(said) => (proof.current = said)} />,
      wrong: () => {
        if (proof.current.reference.trim() === "") return r.transfer.referenceWrong;
        return hashOf(proof.current.hash) === undefined ? r.transfer.proofWrong : undefined;
      },
      act: () => {
        const message = create(TransferRemittanceSchema, { reference: proof.current.reference.trim(), proofSha256: hashOf(proof.current.hash) ?? "" });
        return write("post", "/v1/remittances/{remittance}/transfer", { remittance }, { schema: TransferRemittanceSchema, message }, RemittanceSchema);
      },
      leaves: "remittance-transfer",
    });
  };
  const withdraw = (): void =>
    ask({
      title: r.withdraw.title(name),
      happens: r.withdraw.happens(amount),
      yes: r.withdraw.yes,
      grave: true,
      act: (reason) => write("post", "/v1/remittances/{remittance}/withdraw", { remittance }, { schema: WithdrawRemittanceSchema, message: create(WithdrawRemittanceSchema, { reason }) }, RemittanceSchema),
      leaves: "remittance-withdraw",
    });
  if (run.state !== RemittanceState.PROPOSED && run.state !== RemittanceState.APPROVED) return <>–</>;
  return (
    <span class="run-steps">
      {run.state === RemittanceState.PROPOSED && (
        <>
          <button type="button" class="primary" data-testid="approve" disabled={mine} aria-describedby={mine ? `same-${run.id}` : undefined} onClick={approve}>
            {r.approve.button}
          </button>
          {mine && (
            <span id={`same-${run.id}`} class="hint" data-testid="same-person">
              {r.samePerson}
            </span>
          )}
        </>
      )}
      {run.state === RemittanceState.APPROVED && (
        <button type="button" class="primary" data-testid="transfer" onClick={transfer}>
          {r.transfer.button}
        </button>
      )}
      <button type="button" class="quiet" data-testid="withdraw" onClick={withdraw}>
        {r.withdraw.button}
      </button>
    </span>
  );
}

function TransferFields(props: { onChange: (said: { reference: string; hash: string }) => void }) {
  const r = remitText.use();
  const [said, setSaid] = useState({ reference: "", hash: "" });
  const change = (more: Partial<typeof said>): void => {
    const next = { ...said, ...more };
    setSaid(next);
    props.onChange(next);
  };
  return (
    <>
      <label class="field">
        <span>{r.transfer.reference}</span>
        <input data-testid="reference" value={said.reference} maxLength={100} required autocomplete="off" onInput={(event) => change({ reference: event.currentTarget.value })} />
      </label>
      <FileHash id="proof" words={r.proof} value={said.hash} onHash={(hash) => change({ hash })} />
    </>
  );
}

/** Both ends in order, and no more than two years of them. */
function monthsFit(from: string, to: string): boolean {
  const months = (text: string): number => Number(text.slice(0, 4)) * 12 + Number(text.slice(5));
  return /^\d{4}-\d{2}$/.test(from) && /^\d{4}-\d{2}$/.test(to) && from <= to && months(to) - months(from) < 24;
}

function Papers(props: { charities: ReadonlyMap<string, string> }) {
  const { t } = useWords();
  const r = remitText.use();
  const [charity, setCharity] = useState("");
  const [from, setFrom] = useState(() => monthOf(Date.now()));
  const [to, setTo] = useState(from);
  const [said, setSaid] = useState<{ readonly text: string; readonly wrong: boolean }>();
  const take = async (what: "regulator.csv" | "statement.csv" | "statement.html"): Promise<void> => {
    const registration = charity.trim();
    if (registration === "" || !monthsFit(from, to)) return setSaid({ text: r.papersWrong, wrong: true });
    const months = from === to ? from : `${from}..${to}`;
    const path = `/v1/statements/charities/{charity}/{months}/${what}` as const;
    try {
      save(await file(path, { charity: registration, months }), `${registration}-${months}-${what}`);
      setSaid({ text: r.saved, wrong: false });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setSaid({ text: problemText(t, error.problem), wrong: true });
    }
  };
  return (
    <section class="block" aria-labelledby="papers-heading">
      <header class="block-head">
        <h2 id="papers-heading">{r.papers}</h2>
        <p class="hint">{r.papersHint}</p>
      </header>
      <div class="papers-fields">
        <label class="field">
          <span>{r.papersCharity}</span>
          <input data-testid="papers-charity" value={charity} maxLength={40} list="papers-charities" autocomplete="off" onInput={(event) => setCharity(event.currentTarget.value)} />
          <datalist id="papers-charities">
            {[...props.charities].map(([registration, name]) => (
              <option key={registration} value={registration}>
                {name}
              </option>
            ))}
          </datalist>
        </label>
        <label class="field">
          <span>{r.from}</span>
          <input type="month" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{r.to}</span>
          <input type="month" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
      </div>
      <div class="papers-acts">
        <button type="button" class="primary" data-testid="papers-regulator" onClick={() => void take("regulator.csv")}>
          {r.regulator}
        </button>
        <button type="button" class="quiet" data-testid="papers-csv" onClick={() => void take("statement.csv")}>
          {r.csv}
        </button>
        <button type="button" class="quiet" data-testid="papers-html" onClick={() => void take("statement.html")}>
          {r.html}
        </button>
      </div>
      <p class={said?.wrong === true ? "wrong" : "hint"} role="status">
        {said?.text ?? ""}
      </p>
    </section>
  );
}
