// What a stream is called, where and when it is: for a new one and for one that is already there.

import { useState } from "preact/hooks";

import type { Room } from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import type { Claims } from "../wire/claims";
import { useAct } from "./act";
import { createRoom, editRoom } from "./changes";
import { Said } from "./Said";
import { addressOf } from "./route";
import { hostText } from "./text";

interface Draft {
  readonly title: string;
  readonly hostName: string;
  readonly place: string;
  /** As `<input type="datetime-local">` has it: the clock on the host's wall. */
  readonly when: string;
  readonly playbackUrl: string;
  readonly posterUrl: string;
}

const ADDRESS = /^(https:\/\/|\/(?![/\\]))[\x21-\x7e]*$/;

export function RoomFormSheet(props: { room: Room | undefined; me: Claims; onClose: () => void; onSaved: (room: Room) => void }) {
  const h = hostText.use();
  const heading = props.room === undefined ? h.roomForm.newHeading : h.roomForm.heading;
  return (
    <Sheet label={heading} testId="room-form" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{heading}</h2>
      </header>
      <RoomForm
        room={props.room}
        me={props.me}
        onSaved={(room) => {
          props.onSaved(room);
          props.onClose();
          if (props.room === undefined) location.hash = addressOf(room.id, "sheet");
        }}
      />
    </Sheet>
  );
}

export function RoomForm(props: { room: Room | undefined; me: Claims; onSaved: (room: Room) => void }) {
  const h = hostText.use();
  const { room } = props;
  const act = useAct();
  const [draft, setDraft] = useState<Draft>(() => ({
    title: room?.title ?? "",
    hostName: room?.hostName ?? props.me.name,
    place: room?.place ?? "",
    when: room === undefined || room.scheduledAtMs === 0n ? "" : localTime(Number(room.scheduledAtMs)),
    playbackUrl: room?.playbackUrl ?? "",
    posterUrl: room?.posterUrl ?? "",
  }));
  const [wrong, setWrong] = useState<ReadonlyMap<keyof Draft, string>>(new Map());

  const send = async (): Promise<void> => {
    const trimmed: Draft = { ...draft, title: draft.title.trim(), hostName: draft.hostName.trim(), place: draft.place.trim(), playbackUrl: draft.playbackUrl.trim(), posterUrl: draft.posterUrl.trim() };
    const mistakes = new Map<keyof Draft, string>();
    if (trimmed.title === "") mistakes.set("title", h.roomForm.titleWrong);
    if (trimmed.hostName === "") mistakes.set("hostName", h.roomForm.hostWrong);
    for (const field of ["playbackUrl", "posterUrl"] as const) {
      if (trimmed[field] !== "" && !ADDRESS.test(trimmed[field])) mistakes.set(field, h.roomForm.addressWrong);
    }
    setWrong(mistakes);
    const [first] = mistakes.keys();
    if (first !== undefined) {
      document.getElementById(`room-${first}`)?.focus();
      return;
    }
    const { title, hostName, place, playbackUrl, posterUrl } = trimmed;
    const fields = { title, hostName, place, playbackUrl, posterUrl, scheduledAtMs: BigInt(draft.when === "" ? 0 : new Date(draft.when).getTime()) };
    await act.run(async () => props.onSaved(await (room === undefined ? createRoom(fields) : editRoom(room.id, fields))), h.saved);
  };

  const field = (name: Exclude<keyof Draft, "when">, label: string, options: { hint?: string; mode?: "text" | "url"; max?: number; placeholder?: string }) => (
    <label class="field" for={`room-${name}`}>
      <span>{label}</span>
      <input
        id={`room-${name}`}
        inputMode={options.mode ?? "text"}
        maxLength={options.max}
        placeholder={options.placeholder}
        value={draft[name]}
        autocomplete="off"
        aria-invalid={wrong.has(name)}
        aria-describedby={wrong.has(name) || options.hint !== undefined ? `room-${name}-note` : undefined}
        onInput={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
      />
      {(wrong.has(name) || options.hint !== undefined) && (
        <small id={`room-${name}-note`} data-wrong={wrong.has(name)}>
          {wrong.get(name) ?? options.hint}
        </small>
      )}
    </label>
  );

  return (
    <form
      class="form"
      novalidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {field("title", h.roomForm.title, { max: 80, placeholder: h.roomForm.titleLike })}
      {field("hostName", h.roomForm.hostName, { max: 40 })}
      {field("place", h.roomForm.place, { max: 80, placeholder: h.roomForm.placeLike })}
      <label class="field" for="room-when">
        <span>{h.roomForm.when}</span>
        <input id="room-when" type="datetime-local" value={draft.when} onInput={(event) => setDraft({ ...draft, when: event.currentTarget.value })} />
      </label>
      {field("playbackUrl", h.roomForm.playback, { mode: "url", hint: h.roomForm.playbackHint })}
      {field("posterUrl", h.roomForm.poster, { mode: "url", hint: h.roomForm.posterHint })}
      <button type="submit" class="primary big" data-testid="room-save" disabled={act.busy}>
        {room === undefined ? h.roomForm.create : h.roomForm.save}
      </button>
      <Said act={act} />
    </form>
  );
}

function localTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
