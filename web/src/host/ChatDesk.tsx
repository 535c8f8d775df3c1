// The room's chat for those who keep it friendly: newest at the thumb, a tap on a line shows what can be done about it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { Moderation_UnpinLineSchema, type ChatLine } from "../gen/apricot/v1/room_pb";
import { memo } from "../parts/memo";
import { problemText } from "../parts/names";
import { Horn, Pin, Send } from "../parts/signs";
import type { Talk } from "../room/state";
import { useWords } from "../text";
import { create } from "../wire/messages";
import { useAct } from "./act";
import { moderate, notice } from "./changes";
import { ChatRulesSheet } from "./ChatRulesSheet";
import type { Desk } from "./desk";
import { LineSheet, type Laid } from "./LineSheet";
import type { Rights } from "./rights";
import { Said } from "./Said";
import { Gear } from "./signs";
import { hostText } from "./text";

/** As near to the end as this, and new lines are followed. */
const NEAR_PX = 64;

export function ChatDesk(props: { desk: Desk; rights: Rights }) {
  const { t, count } = useWords();
  const h = hostText.use();
  const { desk, rights } = props;
  const { live, room } = desk;
  const { talk } = live.view;
  const act = useAct();
  const [line, setLine] = useState<ChatLine>();
  const [rules, setRules] = useState(false);
  // What was laid on whom from this page; the server tells nobody who is muted.
  const [laid, setLaid] = useState<ReadonlyMap<string, Laid>>(new Map());
  const rows = useRef<HTMLOListElement>(null);
  const [following, setFollowing] = useState(true);

  const last = talk.at(-1)?.key;
  useLayoutEffect(() => {
    const box = rows.current;
    if (box !== null && following) box.scrollTop = box.scrollHeight;
  }, [last, following]);
  // A tab that was hidden had no height to scroll.
  useEffect(() => {
    const box = rows.current;
    if (box === null) return undefined;
    const watcher = new ResizeObserver(() => {
      if (following) box.scrollTop = box.scrollHeight;
    });
    watcher.observe(box);
    return () => watcher.disconnect();
  }, [following]);

  const slow = room?.chatRules?.slowModeSeconds ?? 0;
  const unpin = (): void => void act.run(async () => live.takeRoom(await moderate(live.roomId, { case: "unpinLine", value: create(Moderation_UnpinLineSchema) })), h.saved);

  return (
    <section class="panel chat-desk" aria-labelledby="chat-heading">
      <header class="panel-head">
        <h2 id="chat-heading">{h.chat}</h2>
        <button type="button" class="quiet rules-button" data-testid="chat-rules" onClick={() => setRules(true)}>
          <Gear />
          {slow > 0 ? h.rules.slowOn(count(slow)) : h.rules.open}
        </button>
      </header>
      {room?.pinnedLine !== undefined && (
        <p class="chat-pinned">
          <Pin />
          <span>
            <b>
              <bdi>{room.pinnedLine.authorName}</bdi>
            </b>{" "}
            <bdi>{room.pinnedLine.text}</bdi>
          </span>
          <button type="button" class="quiet" data-testid="line-unpin" disabled={act.busy} onClick={unpin}>
            {h.unpin}
          </button>
        </p>
      )}
      <Said act={act} />
      <div class="chat-window">
        <ol
          class="chat-rows"
          ref={rows}
          tabIndex={0}
          aria-label={t.chat.label}
          onScroll={(event) => {
            const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
            setFollowing(scrollHeight - scrollTop - clientHeight < NEAR_PX);
          }}
        >
          {talk.length === 0 && <li class="hint chat-empty">{t.chat.empty}</li>}
          {talk.map((one) => (
            <Row key={one.key} one={one} laid={one.kind === "chat" ? laid.get(one.line.authorId) : undefined} onLine={setLine} />
          ))}
        </ol>
        {!following && (
          <button type="button" class="primary chat-newest" onClick={() => setFollowing(true)}>
            {h.newest}
          </button>
        )}
      </div>
      <Composer desk={desk} rights={rights} />
      {line !== undefined && (
        <LineSheet
          desk={desk}
          line={line}
          laid={laid.get(line.authorId)}
          onLaid={(what) => {
            const next = new Map(laid);
            if (what === undefined) next.delete(line.authorId);
            else next.set(line.authorId, what);
            setLaid(next);
          }}
          onClose={() => setLine(undefined)}
        />
      )}
      {rules && room !== undefined && <ChatRulesSheet desk={desk} room={room} onClose={() => setRules(false)} />}
    </section>
  );
}

const Row = memo(function Row(props: { one: Talk; laid: Laid | undefined; onLine: (line: ChatLine) => void }) {
  const { t, count } = useWords();
  const h = hostText.use();
  const { one, laid } = props;
  switch (one.kind) {
    case "milestone":
      return null;
    case "skipped":
      return <li class="chat-row hint">{t.chat.skipped(count(one.lines))}</li>;
    case "notice":
      return (
        <li class="chat-row chat-notice">
          <Horn />
          <bdi>{one.text}</bdi>
        </li>
      );
    case "chat": {
      const { line } = one;
      return (
        <li class="chat-row" data-testid="chat-line" data-line={line.id}>
          <button type="button" class="chat-row-line" data-role={line.authorRole} onClick={() => props.onLine(line)}>
            <b>
              <bdi>{line.authorName}</bdi>
            </b>{" "}
            {line.authorRole !== "viewer" && <span class="badge">{roleWord(t, line.authorRole)}</span>}
            {laid !== undefined && <span class="badge badge-grave">{h.laid[laid]}</span>} <bdi>{line.text}</bdi>
          </button>
        </li>
      );
    }
  }
});

function roleWord(t: ReturnType<typeof useWords>["t"], role: string): string {
  const words: Record<string, string> = t.chat.role;
  return Object.hasOwn(words, role) ? (words[role] ?? role) : role;
}

/** Says a line like everybody, or tells the room something that nobody misses. */
function Composer(props: { desk: Desk; rights: Rights }) {
  const { t } = useWords();
  const h = hostText.use();
  const { desk, rights } = props;
  const { live } = desk;
  const act = useAct();
  const [telling, setTelling] = useState(false);
  const [text, setText] = useState("");
  const send = async (): Promise<void> => {
    const said = text.trim();
    if (said === "") return;
    if (telling) {
      if (await act.run(() => notice(live.roomId, said), h.noticeSent)) setText("");
      return;
    }
    const answer = await live.say(said);
    if ("ok" in answer) setText("");
    else act.refuse(problemText(t, answer.problem));
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Said act={act} />
      {rights.runs && (
        <button type="button" class="composer-way" aria-pressed={telling} aria-label={h.noticeWay} data-testid="notice-way" onClick={() => setTelling(!telling)}>
          <Horn />
        </button>
      )}
      <label class="unseen" for="composer">
        {telling ? h.notice : h.say}
      </label>
      <input
        id="composer"
        data-testid="composer"
        maxLength={200}
        autocomplete="off"
        enterkeyhint="send"
        placeholder={telling ? h.noticeLike : h.sayLike}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="primary round" aria-label={telling ? h.noticeSend : t.chat.send} data-testid="composer-send" disabled={act.busy || text.trim() === "" || live.link.kind !== "live"}>
        <Send />
      </button>
    </form>
  );
}
