import { useMemo } from "preact/hooks";

import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { token } from "../wire/address";
import { claimsOf } from "../wire/claims";
import { OpsPage } from "./OpsPage";
import { poolsText } from "./pools/text";
import { remitText } from "./remit/text";
import { opsText } from "./text";

function Ops(props: { fragment: URLSearchParams }) {
  const o = opsText.use();
  const mine = token();
  const me = useMemo(() => claimsOf(mine), [mine]);
  if (mine === "") {
    return (
      <main>
        <Still whole title={o.token} hint={o.tokenHint} />
      </main>
    );
  }
  return <OpsPage fragment={props.fragment} me={me} />;
}

/** `fragment`: what the address named beside the token. */
export function showOps(fragment: URLSearchParams): Promise<void> {
  return show(() => <Ops fragment={fragment} />, opsText, remitText, poolsText);
}
