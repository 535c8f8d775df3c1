// The front door: who is on right now.

import { useCallback, useEffect, useState } from "preact/hooks";

import { RoomListSchema } from "../gen/apricot/v1/api_pb";
import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { orchard } from "../parts/drawings";
import { roomStateName } from "../parts/names";
import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Photo } from "../parts/Photo";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { read } from "../wire/rest";
import { Poster } from "./Poster";

type Reading = { readonly kind: "reading" } | { readonly kind: "failed" } | { readonly kind: "read"; readonly rooms: readonly Room[]; readonly next: string };

const AGAIN_EVERY_MS = 15_000;
const ORDER: readonly RoomState[] = [RoomState.LIVE, RoomState.PAUSED, RoomState.REHEARSAL, RoomState.SCHEDULED, RoomState.ENDED];

export function RoomList() {
  const { t } = useWords();
  const [reading, setReading] = useState<Reading>({ kind: "reading" });
  useTitle(`${t.brand} · ${t.rooms.heading}`);

  const readFirst = useCallback(async () => {
    try {
      const { rooms, nextCursor } = await read("/v1/rooms", {}, RoomListSchema, { limit: 50 });
      setReading((known) => (known.kind === "read" && known.rooms.length > rooms.length ? known : { kind: "read", rooms, next: nextCursor }));
    } catch {
      // A list that was read stays; only an empty page says so.
      setReading((known) => (known.kind === "read" ? known : { kind: "failed" }));
    }
  }, []);

  const readMore = async (next: string, rooms: readonly Room[]): Promise<void> => {
    try {
      const more = await read("/v1/rooms", {}, RoomListSchema, { limit: 50, cursor: next });
      setReading({ kind: "read", rooms: [...rooms, ...more.rooms], next: more.nextCursor });
    } catch {
      // The button is still there to press again.
    }
  };

  useEffect(() => {
    void readFirst();
    const timer = setInterval(() => {
      if (!document.hidden) void readFirst();
    }, AGAIN_EVERY_MS);
    return () => clearInterval(timer);
  }, [readFirst]);

  return (
    <main class="front">
      <header class="front-top">
        <Poster low />
        <div class="front-words">
          <h1>{t.brand}</h1>
          <p>{t.slogan}</p>
        </div>
        <LanguageSwitch />
        <MotionSwitch />
      </header>
      <section class="front-rooms" aria-label={t.rooms.heading} aria-busy={reading.kind === "reading"}>
        {reading.kind === "reading" && [0, 1, 2].map((n) => (
          <div key={n} class="door">
            <div class="skeleton door-photo" />
            <div class="door-words">
              <Skeleton lines={3} />
            </div>
          </div>
        ))}
        {reading.kind === "failed" && (
          <Still title={t.rooms.failed} hint={t.rooms.failedHint}>
            <button type="button" class="primary" onClick={() => void readFirst()}>
              {t.tryAgain}
            </button>
          </Still>
        )}
        {reading.kind === "read" && reading.rooms.length === 0 && <Still title={t.rooms.empty} hint={t.rooms.emptyHint} />}
        {reading.kind === "read" &&
          [...reading.rooms]
            .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))
            .map((room) => <Door key={room.id} room={room} />)}
        {reading.kind === "read" && reading.next !== "" && (
          <button type="button" class="quiet" onClick={() => void readMore(reading.next, reading.rooms)}>
            {t.more}
          </button>
        )}
      </section>
    </main>
  );
}

function Door(props: { room: Room }) {
  const { t, moment } = useWords();
  const { room } = props;
  const state = roomStateName(room.state);
  const scheduled = room.state === RoomState.SCHEDULED && room.scheduledAtMs > 0n;
  return (
    <a class="door" href={`/rooms/${encodeURIComponent(room.id)}`} data-state={state}>
      <Photo src={room.posterUrl} drawing={orchard} class="door-photo" />
      <span class="door-words">
        <span class="state-tag" data-state={state}>
          {scheduled ? t.rooms.startsAt(moment(Number(room.scheduledAtMs), Date.now())) : t.room.state[state]}
        </span>
        <strong>
          <bdi>{room.title}</bdi>
        </strong>
        <span class="hint">
          <bdi>{t.room.hostedBy(room.hostName, room.place)}</bdi>
        </span>
      </span>
    </a>
  );
}
