// The room's chat, newest first, so that a thumb reaches what was just said. A tap on a line shows what can be done about it.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";

import {
  Moderation_BanSchema,
  Moderation_DeleteLineSchema,
  Moderation_MuteSchema,
  Moderation_PinLineSchema,
  Moderation_UnpinLineSchema,
  type ChatLine,
} from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";
import { useAct } from "./act";
import { moderate } from "./changes";
import { Said } from "./Said";
import { hostText } from "./text";

const MUTE_SECONDS = 600;

export function ChatDesk(props: { live: LiveRoom }) {
  const { t, count } = useWords();
  const h = hostText.use();
  const { live } = props;
  const act = useAct();
  const [open, setOpen] = useState("");
  const [banning, setBanning] = useState<ChatLine>();
  const { talk, room } = live.view;
  const does = (action: Parameters<typeof moderate>[1]): void => {
    setOpen("");
    void act.run(async () => live.takeRoom(await moderate(live.roomId, action)), h.saved);
  };

  return (
    <section class="panel chat-desk" aria-labelledby="chat-heading">
      <h2 id="chat-heading">{h.chat}</h2>
      <Said act={act} />
      {room?.pinnedLine !== undefined && (
        <p class="chat-pinned">
          <span>
            <b>{room.pinnedLine.authorName}</b> {room.pinnedLine.text}
          </span>
          <button type="button" class="quiet" onClick={() => does({ case: "unpinLine", value: create(Moderation_UnpinLineSchema) })}>
            {h.unpin}
          </button>
        </p>
      )}
      {talk.length === 0 && <p class="hint">{t.chat.empty}</p>}
      <ol class="chat-rows">
        {[...talk].reverse().map((one) => {
          if (one.kind === "skipped") {
            return (
              <li key={one.key} class="chat-row hint">
                {t.chat.skipped(count(one.lines))}
              </li>
            );
          }
          if (one.kind !== "chat") return null;
          const { line } = one;
          const mine = line.authorId !== "" && line.authorId === live.view.me.subject;
          return (
            <li key={one.key} class="chat-row" data-testid="chat-line" data-line={line.id}>
              <button type="button" class="chat-row-line" aria-expanded={open === line.id} onClick={() => setOpen(open === line.id ? "" : line.id)}>
                <span>
                  <b>{line.authorName}</b> {line.text}
                </span>
              </button>
              {open === line.id && (
                <div class="chat-acts" role="group" aria-label={h.actions}>
                  <button
                    type="button"
                    class="grave"
                    data-testid="line-delete"
                    onClick={() => does({ case: "deleteLine", value: create(Moderation_DeleteLineSchema, { lineId: line.id }) })}
                  >
                    {h.remove}
                  </button>
                  <button type="button" class="quiet" onClick={() => does({ case: "pinLine", value: create(Moderation_PinLineSchema, { lineId: line.id }) })}>
                    {h.pinLine}
                  </button>
                  {!mine && (
                    <>
                      <button
                        type="button"
                        class="quiet"
                        data-testid="line-mute"
                        onClick={() => does({ case: "mute", value: create(Moderation_MuteSchema, { subject: line.authorId, seconds: MUTE_SECONDS }) })}
                      >
                        {h.mute}
                      </button>
                      <button type="button" class="quiet" data-testid="line-ban" onClick={() => setBanning(line)}>
                        {h.ban}
                      </button>
                    </>
                  )}
                </div>
              )}
            </li>
          );
        })}
      </ol>
      {banning !== undefined && (
        <Sheet label={h.ban} onClose={() => setBanning(undefined)}>
          <header class="sheet-head">
            <h2>{h.banSure(banning.authorName)}</h2>
          </header>
          <div class="sheet-act">
            <button
              type="button"
              class="grave big"
              data-testid="line-ban-sure"
              onClick={() => {
                setBanning(undefined);
                does({ case: "ban", value: create(Moderation_BanSchema, { subject: banning.authorId }) });
              }}
            >
              {h.ban}
            </button>
            <button type="button" class="quiet big" onClick={() => setBanning(undefined)}>
              {t.close}
            </button>
          </div>
        </Sheet>
      )}
    </section>
  );
}
