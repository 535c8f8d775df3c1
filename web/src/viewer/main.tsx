import { useState } from "preact/hooks";

import "../look/base.css";
import "./viewer.css";

import { useLater } from "../parts/Later";
import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { useWords } from "../text";
import { roomOfPath, takeFragment } from "../wire/address";
import { RoomPage } from "./RoomPage";

// Before anything is drawn or sent: the token leaves the address bar.
takeFragment();
// A link opened again with another token in the same tab.
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) {
    takeFragment();
    location.reload();
  }
});

const loadRoomList = async () => (await import("./RoomList")).RoomList;

function Viewer() {
  const [room] = useState(() => roomOfPath(location.pathname));
  return room === undefined ? <FrontDoor /> : <RoomPage roomId={room} />;
}

function FrontDoor() {
  const { t } = useWords();
  const list = useLater(loadRoomList);
  if (list.kind === "loading") return null;
  if (list.kind === "failed") return <Still title={t.rooms.failed} hint={t.rooms.failedHint} />;
  return <list.part />;
}

void show(Viewer);
