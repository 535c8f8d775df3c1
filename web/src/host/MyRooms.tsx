// The rooms someone runs or helps in: what is on first, then what comes, then what was.

import { useEffect, useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { problemText, roomStateName } from "../parts/names";
import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Photo } from "../parts/Photo";
import { orchard } from "../parts/drawings";
import { Plus } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { apart, useWords } from "../text";
import type { Claims } from "../wire/claims";
import { Refused } from "../wire/refused";
import { readMyRooms } from "./changes";
import { Pencil } from "./signs";
import { rightsIn } from "./rights";
import { RoomFormSheet } from "./RoomForm";
import { addressOf } from "./route";
import { hostText } from "./text";

type Group = "on" | "coming" | "over";
const GROUPS: readonly Group[] = ["on", "coming", "over"];
const GROUP: Record<RoomState, Group> = {
  [RoomState.UNSPECIFIED]: "coming",
  [RoomState.SCHEDULED]: "coming",
  [RoomState.REHEARSAL]: "on",
  [RoomState.LIVE]: "on",
  [RoomState.PAUSED]: "on",
  [RoomState.ENDED]: "over",
};

export function MyRooms(props: { me: Claims }) {
  const { t } = useWords();
  const h = hostText.use();
  const [rooms, setRooms] = useState<readonly Room[]>();
  const [failed, setFailed] = useState("");
  const [form, setForm] = useState<Room | "new">();
  useTitle(h.rooms.heading);

  const readAll = (): void => {
    setFailed("");
    readMyRooms().then(setRooms, (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      setFailed(problemText(t, error.problem));
    });
  };
  useEffect(readAll, []);

  const mayMake = (props.me.role === "host" || props.me.role === "ops") && props.me.room === "";
  return (
    <main class="rooms-page">
      <header class="rooms-top">
        <div>
          <h1>{h.rooms.heading}</h1>
          {props.me.name !== "" && <p class="hint">{props.me.role === "commissioner" ? h.rooms.county(apart(props.me.name), apart(props.me.county)) : h.rooms.hello(apart(props.me.name))}</p>}
        </div>
        <span class="switches">
          <MotionSwitch />
          <LanguageSwitch />
        </span>
        {mayMake && (
          <button type="button" class="primary rooms-new" data-testid="room-new" onClick={() => setForm("new")}>
            <Plus />
            {h.rooms.schedule}
          </button>
        )}
      </header>
      {failed !== "" && (
        <Still title={h.rooms.failed} hint={failed}>
          <button type="button" class="quiet" onClick={readAll}>
            {t.tryAgain}
          </button>
        </Still>
      )}
      {rooms === undefined && failed === "" && <Skeleton lines={9} />}
      {rooms?.length === 0 && <Still title={h.rooms.empty} hint={mayMake ? h.rooms.emptyHint : h.rooms.emptyHelper} />}
      {rooms !== undefined &&
        GROUPS.map((group) => {
          const these = rooms.filter(({ state }) => GROUP[state] === group).sort(group === "over" ? latestFirst : soonestFirst);
          if (these.length === 0) return null;
          return (
            <section key={group} aria-labelledby={`rooms-${group}`}>
              <h2 id={`rooms-${group}`}>{h.rooms.groups[group]}</h2>
              <ul class="room-cards">
                {these.map((room) => (
                  <RoomCard key={room.id} room={room} me={props.me} onEdit={() => setForm(room)} />
                ))}
              </ul>
            </section>
          );
        })}
      {form !== undefined && (
        <RoomFormSheet
          room={form === "new" ? undefined : form}
          me={props.me}
          onClose={() => setForm(undefined)}
          onSaved={(saved) => setRooms([...(rooms ?? []).filter(({ id }) => id !== saved.id), saved])}
        />
      )}
    </main>
  );
}

function RoomCard(props: { room: Room; me: Claims; onEdit: () => void }) {
  const h = hostText.use();
  const { moment } = useWords();
  const { room } = props;
  const { as, runs } = rightsIn(room, props.me);
  const state = roomStateName(room.state);
  const whenMs = Number(room.state === RoomState.ENDED ? room.endedAtMs : room.state === RoomState.SCHEDULED ? room.scheduledAtMs : room.liveAtMs);
  const when = whenMs > 0 ? moment(whenMs, Date.now()) : "";
  return (
    <li class="room-card" data-testid="my-room" data-room={room.id} data-state={state}>
      <a class="room-card-link" href={addressOf(room.id, room.state === RoomState.ENDED && as !== "moderator" ? "summary" : as === "moderator" ? "chat" : "now")}>
        <Photo src={room.posterUrl} drawing={orchard} class="room-card-photo" />
        <span class="room-card-words">
          <strong>
            <bdi>{room.title}</bdi>
          </strong>
          <span class="hint">{[apart(room.hostName), apart(room.place)].filter((part) => part !== "").join(" · ")}</span>
          <span class="room-card-tags">
            <span class="state-tag" data-state={state}>
              {h.state[state]}
            </span>
            {when !== "" && <span class="hint">{h.rooms.when[room.state === RoomState.ENDED ? "ended" : room.state === RoomState.SCHEDULED ? "scheduled" : "since"](when)}</span>}
            {!runs && (
              <span class="badge" data-testid="helping">
                {h.rooms.helping}
              </span>
            )}
          </span>
        </span>
      </a>
      {runs && room.state !== RoomState.ENDED && (
        <button type="button" class="round" aria-label={h.rooms.edit(apart(room.title))} onClick={props.onEdit}>
          <Pencil />
        </button>
      )}
    </li>
  );
}

function soonestFirst(a: Room, b: Room): number {
  // Without a time: whenever the host likes, so after those with one.
  const when = ({ scheduledAtMs }: Room): number => (scheduledAtMs > 0n ? Number(scheduledAtMs) : Number.MAX_SAFE_INTEGER);
  return when(a) - when(b) || (a.id < b.id ? -1 : 1);
}

function latestFirst(a: Room, b: Room): number {
  return Number(b.endedAtMs - a.endedAtMs);
}
