// Watching needs nobody's leave; to buy or to talk one needs a link. Said kindly, with every way in that there is.

import { useEffect, useState } from "preact/hooks";

import "./papers.css";

import { apart, useWords } from "../text";
import { keepToken } from "../wire/address";
import { askOtherPages, identityOf, pastedToken, type Identity } from "../wire/identity";

/** `roomId`: the room to come into; without one, any room's token will do. */
export function SignIn(props: { roomId?: string; onIn: () => void }) {
  const { t } = useWords();
  const [other, setOther] = useState<Identity>();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  useEffect(() => askOtherPages((identity) => (whyNot(identity, props.roomId) === undefined ? setOther(identity) : undefined)), [props.roomId]);

  const enter = (identity: Identity): void => {
    keepToken(identity.token);
    props.onIn();
  };
  const paste = (event: Event): void => {
    event.preventDefault();
    const token = pastedToken(text);
    const identity = token === undefined ? undefined : identityOf(token);
    const why = identity === undefined ? "wrong" : whyNot(identity, props.roomId);
    if (identity === undefined || why !== undefined) setWrong(t.signIn[why ?? "wrong"]);
    else enter(identity);
  };

  return (
    <>
      <header class="sheet-head">
        <h2>{t.signIn.heading}</h2>
        <p class="hint">{t.signIn.why}</p>
      </header>
      {other !== undefined && (
        <div class="sign-in-other">
          <p class="hint">{t.signIn.otherHint}</p>
          <button type="button" class="primary" data-testid="sign-in-other" onClick={() => enter(other)}>
            {t.signIn.other(apart(other.name))}
          </button>
        </div>
      )}
      <ol class="sign-in-steps">
        {t.signIn.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <form class="sign-in-paste" onSubmit={paste} novalidate>
        <label class="field" for="sign-in-link">
          <span>{t.signIn.paste}</span>
          <input
            id="sign-in-link"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            placeholder={t.signIn.pastePlaceholder}
            inputMode="url"
            autocomplete="off"
            aria-invalid={wrong !== ""}
            aria-describedby={wrong === "" ? undefined : "sign-in-wrong"}
          />
          {wrong !== "" && (
            <small id="sign-in-wrong" role="alert">
              {wrong}
            </small>
          )}
        </label>
        <button type="submit" class="quiet" disabled={text.trim() === ""}>
          {t.signIn.enter}
        </button>
      </form>
    </>
  );
}

function whyNot(identity: Identity, roomId: string | undefined): "expired" | "elsewhere" | undefined {
  if (identity.endsAtMs > 0 && identity.endsAtMs <= Date.now()) return "expired";
  return roomId !== undefined && identity.room !== "" && identity.room !== roomId ? "elsewhere" : undefined;
}
