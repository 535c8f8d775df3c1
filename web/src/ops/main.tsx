import { useState } from "preact/hooks";

import "../look/base.css";
import "./ops.css";

import { show, useTitle } from "../parts/page";
import { Still } from "../parts/Still";
import { useWords } from "../text";
import { takeFragment, token } from "../wire/address";
import { OverviewTable } from "./OverviewTable";
import { opsText } from "./text";

takeFragment();
addEventListener("hashchange", () => {
  takeFragment();
  location.reload();
});

function Ops() {
  const { t } = useWords();
  const o = opsText.use();
  useTitle(`${o.heading} · ${t.brand}`);
  const [known] = useState(() => token() !== "");
  return known ? <OverviewTable /> : <Still title={o.token} />;
}

void show(Ops, opsText);
