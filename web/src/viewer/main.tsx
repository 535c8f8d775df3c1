import { useMemo, useState } from "preact/hooks";

import "../look/base.css";
import "./viewer.css";

import { show } from "../parts/page";
import { roomOfPath, takeFragment } from "../wire/address";
import { RoomList } from "./RoomList";
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

function Viewer() {
  const [room] = useState(() => roomOfPath(location.pathname));
  return useMemo(() => (room === undefined ? <RoomList /> : <RoomPage roomId={room} />), [room]);
}

show(Viewer);
