import { useMemo } from "preact/hooks";

import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { token } from "../wire/address";
import { claimsOf } from "../wire/claims";
import { HostDesk } from "./HostDesk";
import { MyRooms } from "./MyRooms";
import { pledgingText } from "./pledge/text";
import { useRoute } from "./route";
import { hostText } from "./text";

function Host(props: { fragment: URLSearchParams }) {
  const h = hostText.use();
  const { room, view } = useRoute(props.fragment);
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

/** `fragment`: what the address named beside the token. */
export function showHost(fragment: URLSearchParams): Promise<void> {
  return show(() => <Host fragment={fragment} />, hostText, pledgingText);
}
