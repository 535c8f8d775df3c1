// The page of whoever watches: a room, a pledge, or the list of rooms, after what the address names.

import { useState } from "preact/hooks";

import { useLater } from "../parts/Later";
import { show } from "../parts/page";
import { Still } from "../parts/Still";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";
import { pledgeOfPath } from "../wire/address";
import { RoomPage } from "./RoomPage";

const loadPledgePage = async () => (await import("./PledgePage")).PledgePage;
const loadRoomList = async () => (await import("./RoomList")).RoomList;

/** `live`: the room that the address names, under way already. */
export function showViewer(live: LiveRoom | undefined): Promise<void> {
  return show(function Viewer() {
    const [pledge] = useState(() => pledgeOfPath(location.pathname));
    if (live !== undefined) return <RoomPage live={live} />;
    return pledge === undefined ? <FrontDoor /> : <PledgeDoor pledgeId={pledge} />;
  });
}

function PledgeDoor(props: { pledgeId: string }) {
  const { t } = useWords();
  const page = useLater(loadPledgePage);
  if (page.kind === "loading") return null;
  if (page.kind === "failed") return <Still whole title={t.pledge.failed} hint={t.pledge.failedHint} />;
  return <page.part {...props} />;
}

function FrontDoor() {
  const { t } = useWords();
  const list = useLater(loadRoomList);
  if (list.kind === "loading") return null;
  if (list.kind === "failed") return <Still whole title={t.rooms.failed} hint={t.rooms.failedHint} />;
  return <list.part />;
}
