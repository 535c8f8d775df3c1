import { useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { roomStateName } from "../parts/names";
import { Sheet } from "../parts/Sheet";
import { useWords } from "../text";
import { useAct } from "./act";
import { changeState } from "./changes";
import { Said } from "./Said";
import { hostText } from "./text";

/** Which buttons make sense from where the room stands. The server has the last word. */
const FROM: Record<ReturnType<typeof roomStateName>, readonly RoomState[]> = {
  unspecified: [],
  scheduled: [RoomState.REHEARSAL, RoomState.LIVE],
  rehearsal: [RoomState.LIVE, RoomState.ENDED],
  live: [RoomState.PAUSED, RoomState.ENDED],
  paused: [RoomState.LIVE, RoomState.ENDED],
  ended: [],
};

/** Big buttons for muddy hands. Ending asks once more, the others can be taken back. */
export function StateButtons(props: { room: Room; onRoom: (room: Room) => void }) {
  const { t } = useWords();
  const h = hostText.use();
  const { room } = props;
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const state = roomStateName(room.state);
  const go = (next: RoomState): void => void act.run(async () => props.onRoom(await changeState(room.id, next)), h.saved);

  const button = (next: RoomState, name: string, label: string, look: string, press: () => void) => (
    <button
      type="button"
      class={`big ${look}`}
      data-testid={`state-${name}`}
      aria-pressed={room.state === next}
      disabled={act.busy || !FROM[state].includes(next)}
      onClick={press}
    >
      {room.state === next && next !== RoomState.ENDED ? t.room.state[state] : label}
    </button>
  );

  return (
    <section class="panel state-panel" aria-label={h.heading}>
      {(room.state === RoomState.SCHEDULED || room.state === RoomState.ENDED) && (
        <p class="now">
          <span class="state-tag" data-state={state}>
            {t.room.state[state]}
          </span>
        </p>
      )}
      <div class="big-buttons">
        {button(RoomState.REHEARSAL, "rehearse", h.rehearse, "quiet", () => go(RoomState.REHEARSAL))}
        {button(RoomState.LIVE, "live", state === "paused" ? h.resume : h.live, "primary", () => go(RoomState.LIVE))}
        {button(RoomState.PAUSED, "pause", h.pause, "quiet", () => go(RoomState.PAUSED))}
        {button(RoomState.ENDED, "end", h.end, "grave", () => setAsking(true))}
      </div>
      <Said act={act} />
      {asking && (
        <Sheet label={h.end} onClose={() => setAsking(false)}>
          <header class="sheet-head">
            <h2>{h.endSure}</h2>
          </header>
          <div class="sheet-act">
            <button
              type="button"
              class="grave big"
              data-testid="state-end-sure"
              onClick={() => {
                setAsking(false);
                go(RoomState.ENDED);
              }}
            >
              {h.yesEnd}
            </button>
            <button type="button" class="quiet big" onClick={() => setAsking(false)}>
              {h.keepGoing}
            </button>
          </div>
        </Sheet>
      )}
    </section>
  );
}
