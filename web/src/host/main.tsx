import { useMemo } from "preact/hooks";

import "../look/base.css";
import "./host.css";

import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { takeFragment, token } from "../wire/address";
import { claimsOf } from "../wire/claims";
import { HostDesk } from "./HostDesk";
import { MyRooms } from "./MyRooms";
import { useRoute } from "./route";
import { hostText } from "./text";

// Before anything is drawn or sent: the token leaves the address bar. The room stays in it, so that a reload finds it.
const fragment = takeFragment();

function Host() {
  const h = hostText.use();
  const { room, view } = useRoute(fragment);
  const mine = token();
  const me = useMemo(() => claimsOf(mine), [mine]);
  if (mine === "") {
    return (
      <main>
        <Still whole title={h.noToken} hint={h.noTokenHint} />
      </main>
    );
  }
  return room === undefined ? <MyRooms me={me} /> : <HostDesk key={room} roomId={room} view={view} me={me} />;
}

void show(Host, hostText);
