// What can be done about a line and about who wrote it. Two taps at least, and a ban asks once more.

import { useState } from "preact/hooks";

import {
  Moderation_BanSchema,
  Moderation_DeleteLineSchema,
  Moderation_MuteSchema,
  Moderation_PardonSchema,
  Moderation_PinLineSchema,
  type ChatLine,
} from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import { apart } from "../text";
import { create } from "../wire/messages";
import { useAct } from "./act";
import { moderate } from "./changes";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { hostText } from "./text";

export type Laid = "muted" | "banned";

const MUTES = [60, 600, 3_600, 86_400] as const;

export function LineSheet(props: { desk: Desk; line: ChatLine; laid: Laid | undefined; onLaid: (laid: Laid | undefined) => void; onClose: () => void }) {
  const h = hostText.use();
  const { desk, line, laid } = props;
  const { live } = desk;
  const act = useAct();
  const [asking, setAsking] = useState<"mute" | "ban">();
  const mine = line.authorId === "" || line.authorId === desk.me.subject;
  const { authorId: subject } = line;
  const does = async (action: Parameters<typeof moderate>[1], then: () => void): Promise<void> => {
    const done = await act.run(async () => live.takeRoom(await moderate(live.roomId, action)), "");
    if (!done) return;
    then();
    props.onClose();
  };

  return (
    <Sheet label={h.actions} testId="line-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{asking === "ban" ? h.banSure(apart(line.authorName)) : asking === "mute" ? h.muteFor(apart(line.authorName)) : <bdi>{line.authorName}</bdi>}</h2>
      </header>
      <blockquote class="line-quote">
        <bdi>{line.text}</bdi>
      </blockquote>
      {asking === undefined && (
        <div class="line-acts">
          <button type="button" class="grave" data-testid="line-delete" disabled={act.busy} onClick={() => void does({ case: "deleteLine", value: create(Moderation_DeleteLineSchema, { lineId: line.id }) }, () => undefined)}>
            {h.remove}
          </button>
          <button type="button" class="quiet" data-testid="line-pin" disabled={act.busy} onClick={() => void does({ case: "pinLine", value: create(Moderation_PinLineSchema, { lineId: line.id }) }, () => undefined)}>
            {h.pinLine}
          </button>
          {!mine && (
            <>
              <button type="button" class="quiet" data-testid="line-mute" disabled={act.busy} onClick={() => setAsking("mute")}>
                {h.mute}
              </button>
              <button type="button" class="grave" data-testid="line-ban" disabled={act.busy} onClick={() => setAsking("ban")}>
                {h.ban}
              </button>
              <button
                type="button"
                class={laid === undefined ? "plain line-pardon" : "quiet line-pardon"}
                data-testid="line-pardon"
                disabled={act.busy}
                onClick={() => void does({ case: "pardon", value: create(Moderation_PardonSchema, { subject }) }, () => props.onLaid(undefined))}
              >
                {laid === undefined ? h.pardon : h.pardonThis[laid]}
              </button>
            </>
          )}
        </div>
      )}
      {asking === "mute" && (
        <div class="line-acts">
          {MUTES.map((seconds) => (
            <button
              key={seconds}
              type="button"
              class="quiet"
              data-testid={`line-mute-${seconds}`}
              disabled={act.busy}
              onClick={() => void does({ case: "mute", value: create(Moderation_MuteSchema, { subject, seconds }) }, () => props.onLaid("muted"))}
            >
              {h.muteTimes[seconds]}
            </button>
          ))}
        </div>
      )}
      {asking === "ban" && (
        <div class="sheet-act">
          <p class="hint">{h.banHint}</p>
          <button
            type="button"
            class="grave big"
            data-testid="line-ban-sure"
            disabled={act.busy}
            onClick={() => void does({ case: "ban", value: create(Moderation_BanSchema, { subject }) }, () => props.onLaid("banned"))}
          >
            {h.ban}
          </button>
          <button type="button" class="quiet big" onClick={() => setAsking(undefined)}>
            {h.back}
          </button>
        </div>
      )}
      <Said act={act} />
    </Sheet>
  );
}
