// The log's key, from somewhere else than this site: it stays on this device.

import { useState } from "preact/hooks";

import { useWords } from "../text";
import { device } from "../wire/memory";
import type { Trust } from "./check";
import { Wrong } from "./findings";
import { originOf, parseKeys } from "./note";
import { sentence } from "./Steps";
import { verifyText } from "./text";

const KEPT = "apricot.verify.keys";

/** What the reader keeps; undefined: nothing that can be used. */
export async function ownKeys(): Promise<Trust | undefined> {
  try {
    const keys = await parseKeys(device.recall(KEPT) ?? "");
    return originOf(keys) === undefined ? undefined : { keys, source: "own" };
  } catch (error) {
    if (error instanceof Wrong) return undefined;
    throw error;
  }
}

export function KeyPanel(props: { site: { readonly trust: Trust | undefined } | undefined; onChange: () => void }) {
  const v = verifyText.use();
  const words = useWords();
  const [text, setText] = useState(() => device.recall(KEPT) ?? "");
  const [isKept, setKept] = useState(text !== "");
  const [wrong, setWrong] = useState("");

  const keep = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const keys = await parseKeys(text);
      if (originOf(keys) === undefined) throw new Wrong({ code: "keyForm", line: 1, detail: "0x01" });
      device.keep(KEPT, text.trim());
      setKept(true);
      setWrong("");
      props.onChange();
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      setWrong(sentence(v.say, error.finding, words));
    }
  };
  const forget = (): void => {
    device.forget(KEPT);
    setText("");
    setKept(false);
    setWrong("");
    props.onChange();
  };
  return (
    <section class="paper key-panel">
      <h2>{v.key.heading}</h2>
      <p class="hint">{v.key.hint}</p>
      <form onSubmit={(event) => void keep(event)}>
        <label class="field" for="own-key">
          <span>{v.key.label}</span>
          <textarea
            id="own-key"
            data-testid="own-key"
            rows={3}
            spellcheck={false}
            autocomplete="off"
            placeholder="apricot.example/log+3ac42e07+AepK…"
            value={text}
            aria-invalid={wrong !== ""}
            aria-describedby={wrong === "" ? undefined : "own-key-wrong"}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setKept(false);
            }}
          />
          {wrong !== "" && (
            <small id="own-key-wrong" role="alert">
              {wrong}
            </small>
          )}
        </label>
        <div class="key-act unprinted">
          <button type="submit" class="quiet" data-testid="own-key-keep" disabled={text.trim() === "" || isKept}>
            {v.key.save}
          </button>
          {isKept && (
            <button type="button" class="plain" data-testid="own-key-forget" onClick={forget}>
              {v.key.forget}
            </button>
          )}
        </div>
        {isKept && (
          <p class="hint key-kept" role="status">
            {v.key.saved}
          </p>
        )}
      </form>
      <details>
        <summary>{v.key.site}</summary>
        {props.site?.trust === undefined ? <p class="hint">{v.key.siteAway}</p> : <code data-testid="site-key">{props.site.trust.keys.map(({ text: line }) => line).join("\n")}</code>}
      </details>
    </section>
  );
}
