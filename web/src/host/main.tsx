import { useState } from "preact/hooks";

import "../look/base.css";
import "./host.css";

import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { takeFragment, token } from "../wire/address";
import { HostDesk } from "./HostDesk";
import { PickRoom } from "./PickRoom";
import { hostText } from "./text";

// Before anything is drawn or sent: the token leaves the address bar. The room stays in it, so that a reload finds it.
const fragment = takeFragment();
addEventListener("hashchange", () => {
  takeFragment();
  location.reload();
});

function Host() {
  const h = hostText.use();
  const [room, setRoom] = useState(() => roomName(fragment.get("room")));
  if (token() === "") return <Still title={h.noToken} hint={h.noTokenHint} />;
  if (room !== undefined) return <HostDesk roomId={room} />;
  const pick = (roomId: string): void => {
    history.replaceState(null, "", `#room=${encodeURIComponent(roomId)}`);
    setRoom(roomId);
  };
  return <PickRoom onPick={pick} />;
}

function roomName(text: string | null): string | undefined {
  return text !== null && /^[a-z0-9-]{3,40}$/.test(text) ? text : undefined;
}

void show(Host, hostText);
