// A pool of hearts: whose, how many for how much, and the pledge that it is added to. What the record knows of rooms and pledges is offered.

import { useEffect, useState } from "preact/hooks";

import { PledgeSchema, type Pledge } from "../../gen/apricot/v1/charity_pb";
import { titlesOf } from "../../parts/Gifts";
import { useWords } from "../../text";
import { Refused } from "../../wire/refused";
import { read } from "../../wire/rest";
import { readFigures, readOverview } from "../record";
import type { PoolDraft } from "./draft";
import type { Input } from "./PoolFields";
import { poolsText } from "./text";

const ROOM = /^[a-z0-9-]{3,40}$/;

export function HeartsFields(props: { draft: PoolDraft; currency: string; input: Input; onChange: (more: Partial<PoolDraft>) => void }) {
  const { t } = useWords();
  const p = poolsText.use();
  const { draft, input, onChange } = props;
  const rooms = useRooms();
  const pledges = usePledgesOf(draft.room.trim());
  const [only] = pledges;
  useEffect(() => {
    // Most rooms have one.
    if (pledges.length === 1 && only !== undefined && draft.pledge === "") onChange({ pledge: only.id });
  }, [pledges]);
  const known = pledges.find(({ id }) => id === draft.pledge.trim());
  return (
    <>
      {input("room", p.fields.room, draft.room, (room) => onChange({ room }), { long: 40, list: "pool-rooms" })}
      <datalist id="pool-rooms">
        {rooms.map(({ id, title }) => (
          <option key={id} value={id} label={title} />
        ))}
      </datalist>
      <div class="pool-pair">
        {input("hearts", p.fields.hearts, draft.hearts, (hearts) => onChange({ hearts }), { kind: "numeric", long: 10 })}
        {input("amount", p.fields.each(props.currency), draft.amount, (amount) => onChange({ amount }), { kind: "decimal" })}
      </div>
      {input("pledge", p.fields.pledge, draft.pledge, (pledge) => onChange({ pledge }), { long: 36, list: "pool-pledges", hint: known === undefined ? p.fields.pledgeHint : titlesOf(t, known) })}
      <datalist id="pool-pledges">
        {pledges.map((pledge) => (
          <option key={pledge.id} value={pledge.id} label={titlesOf(t, pledge)} />
        ))}
      </datalist>
    </>
  );
}

/** What is offered only helps: without it the fields take what is written. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
}

function useRooms(): readonly { readonly id: string; readonly title: string }[] {
  const [rooms, setRooms] = useState<readonly { id: string; title: string }[]>([]);
  useEffect(() => {
    readOverview().then(({ rooms: open }) => setRooms(open.flatMap(({ room }) => (room === undefined ? [] : [{ id: room.id, title: room.title }]))), unlessRefused);
  }, []);
  return rooms;
}

/** Those that the sales of a room name. */
function usePledgesOf(room: string): readonly Pledge[] {
  const [pledges, setPledges] = useState<readonly Pledge[]>([]);
  useEffect(() => {
    let isGone = false;
    setPledges([]);
    const ask = async (): Promise<void> => {
      const { charity } = await readFigures(room);
      const found = await Promise.all(charity.map(({ pledgeId }) => read("/v1/pledges/{pledge}", { pledge: pledgeId }, PledgeSchema)));
      if (!isGone) setPledges(found);
    };
    const timer = ROOM.test(room) ? setTimeout(() => void ask().catch(unlessRefused), 300) : 0;
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [room]);
  return pledges;
}
