// What the room says: chat, the host's notices, milestones and what was skipped, oldest first.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { titlesOf } from "../parts/Gifts";
import { memo } from "../parts/memo";
import { problemText } from "../parts/names";
import { prefersStillness } from "../parts/motion";
import { Horn, Leaf, Pin, Send } from "../parts/signs";
import type { LiveRoom } from "../room/live";
import { isGuest, type RoomView, type Talk } from "../room/state";
import { useWords, type Catalogue } from "../text";

const TEXT_MAX = 200;
/** A finger's breadth from the end still counts as the end. */
const NEAR_END_PX = 48;

export function ChatLog(props: { view: RoomView }) {
  const { t, count } = useWords();
  const { talk, room, joined, me } = props.view;
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  /** The last line that was there when the reader went back to older ones. */
  const [left, setLeft] = useState<string>();
  const last = talk.at(-1)?.key ?? "";

  useLayoutEffect(() => {
    if (!follows.current || list.current === null) return;
    list.current.scrollTop = list.current.scrollHeight;
  }, [last, talk.length]);

  // The list shrinks when a card or a keyboard comes up: stay at the end then too.
  useEffect(() => {
    const el = list.current;
    if (el === null) return undefined;
    const watcher = new ResizeObserver(() => {
      if (follows.current) el.scrollTop = el.scrollHeight;
    });
    watcher.observe(el);
    return () => watcher.disconnect();
  }, []);

  const scrolled = (): void => {
    const el = list.current;
    if (el === null) return;
    const atEnd = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END_PX;
    if (atEnd === follows.current) return;
    follows.current = atEnd;
    setLeft(atEnd ? undefined : last);
  };
  const jump = (): void => {
    follows.current = true;
    list.current?.scrollTo({ top: list.current.scrollHeight, behavior: prefersStillness() ? "instant" : "smooth" });
    setLeft(undefined);
  };
  const behind = left === undefined ? 0 : talk.length - 1 - talk.findIndex(({ key }) => key === left);

  return (
    <section class="talk" aria-label={t.chat.label}>
      {room?.pinnedLine !== undefined && (
        <p class="pinned-line">
          <Pin />
          <span class="unseen">{t.room.pinnedLine}</span>
          <span>
            <b>
              <bdi>{room.pinnedLine.authorName}</bdi>
            </b>{" "}
            <bdi>{room.pinnedLine.text}</bdi>
          </span>
        </p>
      )}
      <div class="talk-list" ref={list} onScroll={scrolled} role="log" aria-live="polite" tabIndex={0} aria-label={t.chat.label}>
        <ol>
          {talk.length === 0 && joined && !isGuest(me) && <li class="talk-empty">{t.chat.empty}</li>}
          {talk.map((one) => (
            <Line key={one.key} talk={one} me={me.subject} project={one.kind === "milestone" ? projectOf(t, props.view, one.pledgeId) : undefined} />
          ))}
        </ol>
      </div>
      {behind > 0 && (
        <button type="button" class="talk-newer" onClick={jump}>
          {t.chat.newer(count(behind))}
        </button>
      )}
    </section>
  );
}

function projectOf(t: Catalogue, view: RoomView, pledgeId: string): string | undefined {
  const sale = [...view.sales.values()].find(({ pledge }) => pledge?.id === pledgeId);
  return sale?.pledge === undefined ? undefined : titlesOf(t, sale.pledge);
}

const Line = memo(function Line(props: { talk: Talk; me: string; project: string | undefined }) {
  const { t, count, money } = useWords();
  const { talk } = props;
  switch (talk.kind) {
    case "chat": {
      const { line } = talk;
      const roles: Record<string, string> = t.chat.role;
      const role = Object.hasOwn(roles, line.authorRole) ? roles[line.authorRole] : undefined;
      const mine = line.authorId !== "" && line.authorId === props.me;
      return (
        <li class="line" data-testid="chat-line" data-line={line.id} data-mine={mine} data-role={role === undefined ? "viewer" : line.authorRole}>
          {role !== undefined && <span class="role">{role}</span>}
          <b>
            <bdi>{line.authorName}</bdi>
          </b>{" "}
          <bdi class="said">{line.text}</bdi>
        </li>
      );
    }
    case "notice":
      return (
        <li class="line notice">
          <Horn />
          <span>
            <b>{t.room.notice}</b> <bdi>{talk.text}</bdi>
          </span>
        </li>
      );
    case "milestone": {
      const { project } = props;
      const amount = money(talk.reached);
      return (
        <li class="line milestone">
          <Leaf />
          <span>{project === undefined ? t.chat.milestone(amount) : t.chat.milestoneTo(amount, project)}</span>
        </li>
      );
    }
    case "skipped":
      return <li class="line skipped">{t.chat.skipped(count(talk.lines))}</li>;
  }
});

export function ChatBar(props: { live: LiveRoom; onSignIn: () => void }) {
  const { t } = useWords();
  const { live } = props;
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const [sending, setSending] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (wrong === "") return undefined;
    const timer = setTimeout(() => setWrong(""), 5_000);
    return () => clearTimeout(timer);
  }, [wrong]);

  const { link } = live;
  if (link.kind === "over") return <p class="chat-guest">{t.connection.over[link.over]}</p>;
  if (live.view.joined && isGuest(live.view.me)) {
    return (
      <button type="button" class="chat-guest" data-testid="sign-in" onClick={props.onSignIn}>
        {t.chat.guest} <b>{t.chat.guestHow}</b>
      </button>
    );
  }

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = text.trim();
    if (said === "" || sending) return;
    if ([...said].length > TEXT_MAX) {
      setWrong(t.chat.tooLong);
      return;
    }
    setSending(true);
    const answer = await live.say(said);
    setSending(false);
    if ("problem" in answer) setWrong(problemText(t, answer.problem));
    else {
      setText("");
      setWrong("");
    }
    input.current?.focus();
  };

  return (
    <form class="chat-bar" onSubmit={(event) => void send(event)}>
      <span class={wrong === "" ? "unseen" : "chat-wrong"} role="status">
        {wrong}
      </span>
      <input
        ref={input}
        data-testid="chat-input"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        placeholder={t.chat.placeholder}
        aria-label={t.chat.placeholder}
        maxLength={TEXT_MAX * 2}
        enterkeyhint="send"
        autocomplete="off"
      />
      <button type="submit" data-testid="chat-send" class="chat-send" aria-label={t.chat.send} disabled={text.trim() === "" || live.link.kind !== "live"}>
        <Send />
      </button>
    </form>
  );
}
