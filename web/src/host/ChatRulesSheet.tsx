// How fast people may talk, and which words the room does not want.

import { useState } from "preact/hooks";

import { ChatRulesSchema, type Room } from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import { Cross } from "../parts/signs";
import { useWords } from "../text";
import { create } from "../wire/messages";
import { useAct } from "./act";
import { moderate } from "./changes";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { hostText } from "./text";

const SLOW_SECONDS = [0, 5, 10, 30, 60];
const WORDS_MAX = 200;

export function ChatRulesSheet(props: { desk: Desk; room: Room; onClose: () => void }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, room } = props;
  const act = useAct();
  const [word, setWord] = useState("");
  const slow = room.chatRules?.slowModeSeconds ?? 0;
  const words = desk.blockedWords;
  // Both rules are one message: the one that isn't touched is sent as it stands.
  const put = (slowModeSeconds: number, blockedWords: readonly string[]): Promise<boolean> =>
    act.run(async () => {
      const rules = create(ChatRulesSchema, { slowModeSeconds, blockedWords: [...blockedWords] });
      desk.takeRoom(await moderate(room.id, { case: "chatRules", value: rules }));
    }, h.saved);
  const add = async (): Promise<void> => {
    const more = word
      .split(/[\n,，、;；]/)
      .map((part) => part.trim())
      .filter((part) => part !== "" && [...part].length <= 40 && !words.includes(part));
    if (more.length > 0 && (await put(slow, [...words, ...new Set(more)].slice(0, WORDS_MAX)))) setWord("");
  };

  return (
    <Sheet label={h.rules.heading} testId="rules-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{h.rules.heading}</h2>
      </header>
      <fieldset class="rules-part">
        <legend>{h.rules.slow}</legend>
        <div class="chips">
          {SLOW_SECONDS.map((seconds) => (
            <button key={seconds} type="button" class="chip" aria-pressed={slow === seconds} data-testid={`slow-${seconds}`} disabled={act.busy} onClick={() => void put(seconds, words)}>
              {seconds === 0 ? h.rules.slowOff : h.rules.seconds(count(seconds))}
            </button>
          ))}
        </div>
        <p class="hint">{h.rules.slowHint}</p>
      </fieldset>
      <form
        class="rules-part"
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <label class="field" for="blocked-word">
          <span>{h.rules.words}</span>
          <span class="field-with-button">
            <input id="blocked-word" value={word} autocomplete="off" maxLength={400} placeholder={h.rules.wordsLike} onInput={(event) => setWord(event.currentTarget.value)} />
            <button type="submit" class="quiet" disabled={act.busy || word.trim() === ""}>
              {h.rules.addWord}
            </button>
          </span>
        </label>
        <ul class="chips" aria-label={h.rules.words}>
          {words.map((known) => (
            <li key={known}>
              <button type="button" class="chip chip-remove" aria-label={h.rules.dropWord(known)} disabled={act.busy} onClick={() => void put(slow, words.filter((other) => other !== known))}>
                {known}
                <Cross />
              </button>
            </li>
          ))}
        </ul>
        <p class="hint">{words.length === 0 ? h.rules.noWords : h.rules.wordsHint}</p>
      </form>
      <Said act={act} />
    </Sheet>
  );
}
