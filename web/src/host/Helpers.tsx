// People who help with the chat: asked by a link, and let go again.

import { useEffect, useState } from "preact/hooks";

import type { Invitation } from "../gen/apricot/v1/api_pb";
import type { Room } from "../gen/apricot/v1/room_pb";
import { firstSign } from "../parts/names";
import { apart, useWords } from "../text";
import { useAct } from "./act";
import { Ask } from "./Ask";
import { dismiss, invite } from "./changes";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { hostText } from "./text";

const HOURS = [4, 12, 24, 72];
const HELPERS_MAX = 20;

export function Helpers(props: { desk: Desk; room: Room }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, room } = props;
  const act = useAct();
  const [name, setName] = useState("");
  const [hours, setHours] = useState(12);
  const [made, setMade] = useState<Invitation>();
  const [leaving, setLeaving] = useState<{ readonly subject: string; readonly name: string }>();
  const { helpers } = desk;

  const send = async (): Promise<void> => {
    const called = name.trim();
    if (called === "") {
      act.refuse(h.helpers.nameWrong);
      document.getElementById("helper-name")?.focus();
      return;
    }
    await act.run(async () => {
      const invitation = await invite(room.id, called, hours);
      if (invitation.room !== undefined) desk.takeRoom(invitation.room);
      setMade(invitation);
      setName("");
    }, "");
  };

  return (
    <div class="two-columns">
      <section class="panel" aria-labelledby="invite-heading">
        <h2 id="invite-heading">{h.helpers.invite}</h2>
        <p class="hint">{h.helpers.hint}</p>
        <form
          class="form"
          novalidate
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <label class="field" for="helper-name">
            <span>{h.helpers.name}</span>
            <input id="helper-name" maxLength={40} value={name} autocomplete="off" placeholder={h.helpers.nameLike} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <fieldset class="rules-part">
            <legend>{h.helpers.hours}</legend>
            <div class="chips">
              {HOURS.map((each) => (
                <button key={each} type="button" class="chip" aria-pressed={hours === each} onClick={() => setHours(each)}>
                  {h.helpers.hoursOf(count(each))}
                </button>
              ))}
            </div>
          </fieldset>
          <button type="submit" class="primary big" data-testid="invite" disabled={act.busy || helpers.length >= HELPERS_MAX}>
            {h.helpers.make}
          </button>
          {helpers.length >= HELPERS_MAX && <p class="hint">{h.helpers.full}</p>}
        </form>
        <Said act={act} />
        {made !== undefined && <InvitationLink key={made.subject} room={room} invitation={made} />}
      </section>
      <section class="panel" aria-labelledby="helpers-heading">
        <h2 id="helpers-heading">{h.helpers.heading}</h2>
        {helpers.length === 0 && <p class="hint">{h.helpers.none}</p>}
        <ul class="helper-list">
          {helpers.map((helper) => (
            <li key={helper.subject} class="helper" data-testid="helper" data-subject={helper.subject}>
              <span class="helper-face" aria-hidden="true">
                {firstSign(helper.name)}
              </span>
              <bdi>{helper.name}</bdi>
              <button type="button" class="grave" data-testid="dismiss" onClick={() => setLeaving(helper)}>
                {h.helpers.dismiss}
              </button>
            </li>
          ))}
        </ul>
      </section>
      {leaving !== undefined && (
        <Ask
          title={h.helpers.dismissSure(apart(leaving.name))}
          hint={h.helpers.dismissHint}
          yes={h.helpers.dismiss}
          no={h.back}
          testId="dismiss-sure"
          onNo={() => setLeaving(undefined)}
          onYes={() => {
            setLeaving(undefined);
            if (made?.subject === leaving.subject) setMade(undefined);
            void act.run(async () => desk.takeRoom(await dismiss(room.id, leaving.subject)), h.helpers.dismissed(apart(leaving.name)));
          }}
        />
      )}
    </div>
  );
}

function InvitationLink(props: { room: Room; invitation: Invitation }) {
  const { moment } = useWords();
  const h = hostText.use();
  const { room, invitation } = props;
  const act = useAct();
  const link = `${location.origin}/host#room=${encodeURIComponent(room.id)}&token=${encodeURIComponent(invitation.token)}`;
  const [code, setCode] = useState<{ readonly size: number; readonly path: string }>();
  useEffect(() => {
    // Drawn here: the link is a key, and no other server may see it.
    import("../parts/code").then(({ codeOf }) => setCode(codeOf(link)), () => undefined);
  }, [link]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link);
      await act.run(async () => undefined, h.helpers.copied);
    } catch {
      act.refuse(h.helpers.copyFailed);
    }
  };
  const share = (): void => {
    // Closing the phone's own dialog is no failure.
    navigator.share({ title: room.title, text: h.helpers.shareText(room.title), url: link }).catch(() => undefined);
  };
  return (
    <div class="invitation" data-testid="invitation">
      <h3>{h.helpers.linkFor(apart(invitation.name))}</h3>
      <p class="hint">{h.helpers.linkHint(moment(Number(invitation.expiresAtMs), Date.now()))}</p>
      {code !== undefined && (
        <svg class="code" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={h.helpers.code}>
          <path class="code-dark" d={code.path} />
        </svg>
      )}
      <label class="field" for="invitation-link">
        <span>{h.helpers.link}</span>
        <input id="invitation-link" data-testid="invitation-link" readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <div class="invitation-acts">
        <button type="button" class="primary big" onClick={() => void copy()}>
          {h.helpers.copy}
        </button>
        {"share" in navigator && (
          <button type="button" class="quiet big" onClick={share}>
            {h.helpers.share}
          </button>
        )}
      </div>
      <Said act={act} />
    </div>
  );
}
