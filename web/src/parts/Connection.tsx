import { RoomState } from "../gen/apricot/v1/room_pb";
import { useServerTime } from "./time";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";

/** Says how the line is. While all is well only a screen reader finds it. */
export function Connection(props: { live: LiveRoom }) {
  const { t, count } = useWords();
  const { link } = props.live;
  const now = useServerTime(0, link.kind === "waiting");
  // An ended room says so itself.
  const ended = link.kind === "over" && link.over === "ended" && props.live.view.room?.state === RoomState.ENDED;
  const quiet = link.kind === "live" || ended || (link.kind === "connecting" && !props.live.view.joined);
  return (
    <div class={quiet ? "unseen" : "connection"} data-testid="connection" data-state={link.kind} role="status">
      {link.kind === "connecting" && t.connection.connecting}
      {link.kind === "live" && t.connection.live}
      {link.kind === "offline" && t.connection.offline}
      {link.kind === "waiting" && (
        <>
          {t.connection.waiting(count(Math.max(1, Math.ceil((link.untilMs - now) / 1000))))}
          <button type="button" class="plain" onClick={() => props.live.comeBackNow()}>
            {t.tryAgain}
          </button>
        </>
      )}
      {link.kind === "over" && (
        <>
          {t.connection.over[link.over]}
          {link.over === "token" && (
            <button type="button" class="plain" onClick={() => props.live.watchAsGuest()}>
              {t.connection.watchAsGuest}
            </button>
          )}
          {(link.over === "other" || link.over === "outdated") && (
            <button type="button" class="plain" onClick={() => location.reload()}>
              {t.tryAgain}
            </button>
          )}
        </>
      )}
    </div>
  );
}
