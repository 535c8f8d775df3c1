import { useState } from "preact/hooks";

import "../look/base.css";
import "./viewer.css";

import { useLater } from "../parts/Later";
import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { LiveRoom } from "../room/live";
import { useWords } from "../text";
import { pledgeOfPath, roomOfPath, takeFragment } from "../wire/address";
import { answerGuests } from "../wire/identity";
import { RoomPage } from "./RoomPage";

// Before anything is drawn or sent: the token leaves the address bar.
takeFragment();
answerGuests();
// A link opened again with another token in the same tab.
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) {
    takeFragment();
    location.reload();
  }
});

// The line to the room is made while the words are still on their way.
const room = roomOfPath(location.pathname);
const live = room === undefined ? undefined : new LiveRoom(room);
live?.start();

const loadPledgePage = async () => (await import("./PledgePage")).PledgePage;
const loadRoomList = async () => (await import("./RoomList")).RoomList;

function Viewer() {
  const [pledge] = useState(() => pledgeOfPath(location.pathname));
  if (live !== undefined) return <RoomPage live={live} />;
  return pledge === undefined ? <FrontDoor /> : <PledgeDoor pledgeId={pledge} />;
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

void show(Viewer);
