// Where the stream stands, large enough to read at arm's length, and the buttons that make sense from there.

import { useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { roomStateName } from "../parts/names";
import { useServerTime } from "../parts/time";
import { clockFace, useWords } from "../text";
import { useAct } from "./act";
import { Ask } from "./Ask";
import { changeState } from "./changes";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { hostText } from "./text";

type StateName = ReturnType<typeof roomStateName>;
type Step = "rehearse" | "live" | "pause" | "end";

/** Which buttons make sense from where the room stands. The server has the last word. */
const STEPS: Record<StateName, readonly Step[]> = {
  unspecified: [],
  scheduled: ["rehearse", "live"],
  rehearsal: ["live", "end"],
  live: ["pause", "end"],
  paused: ["live", "end"],
  ended: [],
};
const TO: Record<Step, RoomState> = { rehearse: RoomState.REHEARSAL, live: RoomState.LIVE, pause: RoomState.PAUSED, end: RoomState.ENDED };
const LOOK: Record<Step, string> = { rehearse: "quiet", live: "primary", pause: "quiet", end: "grave" };

/** The state in one word and the time on air, in the page's head. */
export function OnAir(props: { desk: Desk; room: Room }) {
  const h = hostText.use();
  const { room } = props;
  const state = roomStateName(room.state);
  return (
    <p class="on-air" data-state={state}>
      <span class="on-air-dot" aria-hidden="true" />
      <span data-testid="room-state">{h.state[state]}</span>
      <TimeOnAir desk={props.desk} room={room} />
    </p>
  );
}

export function StatePanel(props: { desk: Desk; room: Room }) {
  const h = hostText.use();
  const { moment } = useWords();
  const { desk, room } = props;
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const state = roomStateName(room.state);
  const go = (step: Step): void => void act.run(async () => desk.takeRoom(await changeState(room.id, TO[step])), h.stateSaid[step]);
  const label = (step: Step): string => (step === "live" && state === "paused" ? h.resume : h[step]);

  return (
    <section class="panel state-panel" data-state={state} aria-label={h.stateLabel}>
      <p class="state-now" data-state={state}>
        <span class="on-air-dot" aria-hidden="true" />
        <strong>{h.state[state]}</strong>
        <TimeOnAir desk={desk} room={room} />
      </p>
      <p class="hint">
        {state === "scheduled" && room.scheduledAtMs > 0n ? h.startsAt(moment(Number(room.scheduledAtMs), Date.now())) : h.stateHint[state]}
      </p>
      {desk.rights?.runs === true && (
        <div class="big-buttons">
          {STEPS[state].map((step) => (
            <button
              key={step}
              type="button"
              class={`big ${LOOK[step]}`}
              data-testid={`state-${step}`}
              disabled={act.busy}
              onClick={() => (step === "end" ? setAsking(true) : go(step))}
            >
              {label(step)}
            </button>
          ))}
        </div>
      )}
      <Said act={act} />
      {asking && (
        <Ask
          title={h.endSure}
          hint={h.endHint}
          yes={h.yesEnd}
          no={h.keepGoing}
          testId="state-end-sure"
          onNo={() => setAsking(false)}
          onYes={() => {
            setAsking(false);
            go("end");
          }}
        />
      )}
    </section>
  );
}

function TimeOnAir(props: { desk: Desk; room: Room }) {
  const { room } = props;
  const going = room.state === RoomState.LIVE || room.state === RoomState.PAUSED;
  const now = useServerTime(props.desk.live.view.clock.skewMs, going);
  if (room.liveAtMs === 0n || (!going && room.state !== RoomState.ENDED)) return null;
  const untilMs = room.state === RoomState.ENDED ? Number(room.endedAtMs) : now;
  return <time data-testid="on-air">{clockFace(untilMs - Number(room.liveAtMs))}</time>;
}
