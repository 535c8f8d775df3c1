import { firstSign, roomStateName } from "../parts/names";
import { LanguageSwitch } from "../parts/page";
import { Arrow, Eye } from "../parts/signs";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";

/** Who is on, how many watch, and the way out. */
export function TopBar(props: { live: LiveRoom }) {
  const { t, count } = useWords();
  const { room, viewers, joined } = props.live.view;
  const state = room === undefined ? "unspecified" : roomStateName(room.state);
  return (
    <header class="top">
      <a class="round" href="/" aria-label={t.room.back}>
        <Arrow />
      </a>
      <div class="host">
        <span class="host-face" aria-hidden="true">
          {firstSign(room?.hostName ?? "") ?? t.brand[0]}
        </span>
        <span class="host-words">
          <strong>{room === undefined ? <span class="skeleton skeleton-name" /> : <bdi>{room.hostName}</bdi>}</strong>
          <span>
            <bdi>{room?.place}</bdi>
          </span>
        </span>
      </div>
      <div class="watching">
        <span class="viewers" data-on-air={state === "live"} >
          {state === "live" ? (
            <span class="on-air">
              <i aria-hidden="true" />
              <span>{t.room.state.live}</span>
            </span>
          ) : (
            <Eye />
          )}
          <span data-testid="viewers" data-viewers={viewers} aria-hidden="true">
            {joined ? count(viewers) : "–"}
          </span>
          {joined && <span class="unseen">{t.room.viewers(count(viewers))}</span>}
        </span>
      </div>
      <LanguageSwitch />
    </header>
  );
}
