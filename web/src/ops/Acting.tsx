// Every change that ops make goes through one dialog: what happens, why it is done, and for the gravest the name typed in. Then the line of the
// audit trail that it left is shown, read from the record.

import { createContext, type ComponentChildren } from "preact";
import { useCallback, useContext, useMemo, useState } from "preact/hooks";

import type { AuditLine } from "../gen/apricot/v1/ops_pb";
import { problemText } from "../parts/names";
import { Sheet } from "../parts/Sheet";
import { Cross } from "../parts/signs";
import { useWords } from "../text";
import { Refused } from "../wire/refused";
import { actionName, auditReason, auditSubject } from "./names";
import { readAudit } from "./record";
import { opsText } from "./text";

export interface Wish {
  readonly title: string;
  /** What will happen, in whole sentences. */
  readonly happens: readonly string[];
  readonly yes: string;
  readonly grave: boolean;
  /** To be typed in first. */
  readonly typed?: string;
  readonly fields?: ComponentChildren;
  /** Says why it can't be sent yet. */
  readonly wrong?: () => string | undefined;
  /** The record keeps no reason of it. */
  readonly quiet?: boolean;
  readonly act: (reason: string) => Promise<unknown>;
  /** The action that it leaves in the audit trail, with the reason or with what begins with it. */
  readonly leaves: string;
  readonly then?: () => void;
}

interface Acting {
  /** An auditor may not. */
  readonly may: boolean;
  readonly ask: (wish: Wish) => void;
  /** Grows with each change that was made, for those who show what may have changed. */
  readonly done: number;
}

const ActingContext = createContext<Acting>({ may: false, ask: () => undefined, done: 0 });

export function useActing(): Acting {
  return useContext(ActingContext);
}

export function ActingProvider(props: { may: boolean; children: ComponentChildren }) {
  const [wish, setWish] = useState<Wish>();
  const [left, setLeft] = useState<{ readonly line: AuditLine | undefined; readonly title: string }>();
  const [done, setDone] = useState(0);
  const ask = useCallback((next: Wish) => {
    setLeft(undefined);
    setWish(next);
  }, []);
  const acting = useMemo<Acting>(() => ({ may: props.may, ask, done }), [props.may, ask, done]);
  return (
    <ActingContext.Provider value={acting}>
      {props.children}
      {wish !== undefined && (
        <Confirm
          wish={wish}
          onClose={() => setWish(undefined)}
          onDone={async (reason) => {
            setWish(undefined);
            setDone((n) => n + 1);
            wish.then?.();
            setLeft({ line: await lineOf(wish, reason), title: wish.title });
          }}
        />
      )}
      <Left left={left} onClose={() => setLeft(undefined)} />
    </ActingContext.Provider>
  );
}

async function lineOf(wish: Wish, reason: string): Promise<AuditLine | undefined> {
  try {
    const { lines } = await readAudit("");
    return lines.find((line) => line.action === wish.leaves && line.reason.startsWith(reason));
  } catch (error) {
    // A node that drains may not answer any more; the line is there all the same.
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function Confirm(props: { wish: Wish; onClose: () => void; onDone: (reason: string) => Promise<void> }) {
  const { t } = useWords();
  const o = opsText.use();
  const { wish } = props;
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const ready = (wish.quiet === true || reason.trim() !== "") && (wish.typed === undefined || typed.trim() === wish.typed);

  const send = async (): Promise<void> => {
    const field = wish.wrong?.();
    if (field !== undefined) return setWrong(field);
    setBusy(true);
    setWrong("");
    try {
      await wish.act(reason.trim());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setWrong(problemText(t, error.problem));
      return;
    } finally {
      setBusy(false);
    }
    await props.onDone(reason.trim());
  };

  return (
    <Sheet label={wish.title} testId="confirm" class="confirm" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{wish.title}</h2>
      </header>
      <ul class="happens">
        {wish.happens.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <form
        class="confirm-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) void send();
        }}
      >
        {wish.fields}
        {wish.quiet !== true && (
          <label class="field">
            <span>{o.acts.reason}</span>
            <input data-testid="reason" value={reason} maxLength={200} required autocomplete="off" placeholder={o.acts.reasonHint} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        )}
        {wish.typed !== undefined && (
          <label class="field">
            <span>{o.acts.type(wish.typed)}</span>
            <input data-testid="typed" value={typed} required autocomplete="off" spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
        )}
        {wrong !== "" && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <div class="confirm-buttons">
          <button type="button" class="quiet" onClick={props.onClose}>
            {o.acts.no}
          </button>
          <button type="submit" class={wish.grave ? "grave solid" : "primary"} data-testid="confirm-yes" disabled={!ready || busy}>
            {wish.yes}
          </button>
        </div>
      </form>
    </Sheet>
  );
}

/** What was written down of it. */
function Left(props: { left: { readonly line: AuditLine | undefined; readonly title: string } | undefined; onClose: () => void }) {
  const words = useWords();
  const { t, moment } = words;
  const o = opsText.use();
  const { left } = props;
  return (
    <div class="left-line" data-testid="left-line" data-shown={left !== undefined} role="status">
      {left !== undefined && (
        <>
          <p>
            <b>{o.acts.done(left.title)}</b>{" "}
            {left.line !== undefined && (
              <span>
                {o.acts.written(moment(Number(left.line.atMs), Date.now()), left.line.actor, actionName(o, left.line.action), auditSubject(words, left.line), auditReason(o, words, left.line))}
              </span>
            )}
          </p>
          <button type="button" class="round" aria-label={t.close} onClick={props.onClose}>
            <Cross />
          </button>
        </>
      )}
    </div>
  );
}
