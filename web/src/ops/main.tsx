import { useState } from "preact/hooks";

import "../look/base.css";
import "./ops.css";

import { show, useTitle } from "../parts/page";
import { Still } from "../parts/Still";
import { useWords } from "../text";
import { takeFragment, token } from "../wire/address";
import { OverviewTable } from "./OverviewTable";

takeFragment();
addEventListener("hashchange", () => {
  takeFragment();
  location.reload();
});

function Ops() {
  const { t } = useWords();
  useTitle(`${t.ops.heading} · ${t.brand}`);
  const [known] = useState(() => token() !== "");
  return known ? <OverviewTable /> : <Still title={t.ops.token} />;
}

void show(Ops);
