import { useEffect, useState } from "preact/hooks";

import { RoomListSchema } from "../gen/apricot/v1/api_pb";
import type { Room } from "../gen/apricot/v1/room_pb";
import { roomStateName } from "../parts/names";
import { LanguageSwitch } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { read } from "../wire/rest";
import { hostText } from "./text";

/** A link without a room: the host says which. */
export function PickRoom(props: { onPick: (roomId: string) => void }) {
  const { t } = useWords();
  const h = hostText.use();
  const [rooms, setRooms] = useState<readonly Room[]>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    read("/v1/rooms", {}, RoomListSchema, { limit: 100 }).then(
      (list) => setRooms(list.rooms),
      () => setFailed(true),
    );
  }, []);
  return (
    <main class="desk">
      <header class="desk-top">
        <h1>{h.pickRoom}</h1>
        <LanguageSwitch />
      </header>
      {failed && <Still title={t.rooms.failed} hint={t.rooms.failedHint} />}
      {rooms === undefined && !failed && <Skeleton lines={6} />}
      {rooms?.length === 0 && <Still title={t.rooms.empty} />}
      <ul class="picks">
        {(rooms ?? []).map((room) => (
          <li key={room.id}>
            <button type="button" class="pick" onClick={() => props.onPick(room.id)}>
              <span>{room.title}</span>
              <span class="hint">{t.room.state[roomStateName(room.state)]}</span>
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
