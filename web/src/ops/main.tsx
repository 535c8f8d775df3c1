import { useMemo } from "preact/hooks";

import "../look/base.css";
import "../look/charts.css";
import "./ops.css";
import "./parts.css";
import "./gauges.css";
import "./room.css";

import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { takeFragment, token } from "../wire/address";
import { claimsOf } from "../wire/claims";
import { OpsPage } from "./OpsPage";
import { opsText } from "./text";

// Before anything is drawn or sent: the token leaves the address bar.
const fragment = takeFragment();

function Ops() {
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
  return <OpsPage fragment={fragment} me={me} />;
}

void show(Ops, opsText);
