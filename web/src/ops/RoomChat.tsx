// What is said in a room, newest first, and who says it. Muting and banning are for the whole room and kept with their reason.

import { useState } from "preact/hooks";

import { Moderation_BanSchema, Moderation_DeleteLineSchema, Moderation_MuteSchema, Moderation_PardonSchema, type Moderation } from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import type { LiveRoom } from "../room/live";
import { apart, useWords } from "../text";
import { create } from "../wire/messages";
import { useActing } from "./Acting";
import { moderate } from "./record";
import { opsText } from "./text";

const MUTE_SECONDS = 3_600;
const LINES_SHOWN = 60;

interface Person {
  readonly subject: string;
  readonly name: string;
  readonly line?: { readonly id: string; readonly text: string };
}

export function RoomChat(props: { live: LiveRoom }) {
  const { t, moment, count } = useWords();
  const o = opsText.use();
  const { may } = useActing();
  const { live } = props;
  const [chosen, setChosen] = useState<Person>();
  const [subject, setSubject] = useState("");
  const lines = live.view.talk.filter((talk) => talk.kind === "chat" || talk.kind === "skipped").slice(-LINES_SHOWN).reverse();
  return (
    <section class="block" aria-labelledby="chat-heading">
      <header class="block-head">
        <h2 id="chat-heading">{o.chat}</h2>
      </header>
      {lines.length === 0 && <p class="hint">{t.chat.empty}</p>}
      <ol class="lines" tabIndex={0} aria-label={o.chat}>
        {lines.map((talk) =>
          talk.kind !== "chat" ? (
            talk.kind === "skipped" && (
              <li key={talk.key} class="hint">
                {t.chat.skipped(count(talk.lines))}
              </li>
            )
          ) : (
            <li key={talk.key} class="said-line" data-testid="chat-line">
              <span class="said-when">{moment(talk.atMs, Date.now())}</span>
              <p>
                <b>
                  <bdi>{talk.line.authorName}</bdi>
                </b>{" "}
                <bdi>{talk.line.text}</bdi>
              </p>
              {may && talk.line.authorId !== "" && talk.line.authorRole === "viewer" && (
                <button
                  type="button"
                  class="act"
                  aria-label={o.acts.person(apart(talk.line.authorName))}
                  data-testid="chat-act"
                  onClick={() => setChosen({ subject: talk.line.authorId, name: talk.line.authorName, line: { id: talk.line.id, text: talk.line.text } })}
                >
                  {o.acts.moderate}
                </button>
              )}
            </li>
          ),
        )}
      </ol>
      {may && (
        <form
          class="by-subject"
          onSubmit={(event) => {
            event.preventDefault();
            if (subject.trim() !== "") setChosen({ subject: subject.trim(), name: subject.trim() });
          }}
        >
          <label class="find">
            <span class="unseen">{o.bySubject}</span>
            <input data-testid="subject" value={subject} placeholder={o.bySubject} autocomplete="off" spellcheck={false} onInput={(event) => setSubject(event.currentTarget.value)} />
          </label>
          <button type="submit" class="act" disabled={subject.trim() === ""}>
            {o.acts.moderate}
          </button>
        </form>
      )}
      {chosen !== undefined && <PersonSheet person={chosen} live={live} onClose={() => setChosen(undefined)} />}
    </section>
  );
}

function PersonSheet(props: { person: Person; live: LiveRoom; onClose: () => void }) {
  const { count } = useWords();
  const o = opsText.use();
  const { ask } = useActing();
  const { person, live } = props;
  const { subject, name, line } = person;
  const asks = (words: typeof o.acts.ban, action: Exclude<Moderation["action"], { case: undefined }>, leaves: string, grave: boolean): void => {
    props.onClose();
    ask({
      title: words.title(apart(name)),
      happens: words.happens(count(MUTE_SECONDS / 60)),
      yes: words.yes,
      grave,
      act: async (reason) => live.takeRoom(await moderate(live.roomId, action, reason)),
      leaves,
    });
  };
  return (
    <Sheet label={o.acts.person(apart(name))} testId="person" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        <p class="hint">
          <code>{subject}</code>
        </p>
      </header>
      {line !== undefined && (
        <blockquote class="quote">
          <bdi>{line.text}</bdi>
        </blockquote>
      )}
      <div class="person-acts">
        {line !== undefined && (
          <button type="button" class="quiet" onClick={() => asks(o.acts.deleteLine, { case: "deleteLine", value: create(Moderation_DeleteLineSchema, { lineId: line.id }) }, "delete-line", false)}>
            {o.acts.deleteLine.button}
          </button>
        )}
        <button type="button" class="quiet" data-testid="mute" onClick={() => asks(o.acts.mute, { case: "mute", value: create(Moderation_MuteSchema, { subject, seconds: MUTE_SECONDS }) }, "mute", false)}>
          {o.acts.mute.button}
        </button>
        <button type="button" class="grave" data-testid="ban" onClick={() => asks(o.acts.ban, { case: "ban", value: create(Moderation_BanSchema, { subject }) }, "ban", true)}>
          {o.acts.ban.button}
        </button>
        <button type="button" class="quiet" data-testid="pardon" onClick={() => asks(o.acts.pardon, { case: "pardon", value: create(Moderation_PardonSchema, { subject }) }, "pardon", false)}>
          {o.acts.pardon.button}
        </button>
      </div>
    </Sheet>
  );
}
