import { useState } from "preact/hooks";

import "../look/base.css";
import "../look/public.css";
import "./receipts.css";

import { PublicTop } from "../parts/PublicTop";
import { show, useTitle } from "../parts/page";
import { useWords } from "../text";
import { SignIn } from "../viewer/SignIn";
import { takeFragment, token } from "../wire/address";
import { answerGuests } from "../wire/identity";
import { Footprint } from "./Footprint";
import { receiptsText } from "./text";

// Before anything is drawn or sent: the token leaves the address bar.
takeFragment();
answerGuests();
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) {
    takeFragment();
    location.reload();
  }
});

function Receipts() {
  const r = receiptsText.use();
  const { t } = useWords();
  const [mine, setMine] = useState(token);
  useTitle(`${r.heading} · ${t.brand}`);
  return (
    <main class="public receipts">
      <PublicTop here="receipts" />
      <div class="public-head">
        <h1>{r.heading}</h1>
        <p>{r.lead}</p>
      </div>
      {mine === "" ? (
        <section class="paper receipts-in" data-testid="sign-in">
          <SignIn onIn={() => setMine(token())} />
        </section>
      ) : (
        <Footprint key={mine} />
      )}
    </main>
  );
}

void show(Receipts, receiptsText);
