// A person's own look at a receipt: what was checked, what was found, and what nobody can know here.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { PublicTop } from "../parts/PublicTop";
import { useTitle } from "../parts/page";
import { Skeleton } from "../parts/Still";
import { useWords } from "../text";
import { askedBy } from "./address";
import { fromUtf8, utf8, type Bytes } from "./bytes";
import type { Trust, Verdict } from "./check";
import { Drop } from "./Drop";
import { KeyPanel, ownKeys } from "./KeyPanel";
import { LeafFacts } from "./LeafFacts";
import { MemoryPanel } from "./MemoryPanel";
import { FIRST_LINE, parseProof } from "./proof";
import { trustOfSite, verifyLeaf, verifyReceipt, type LeafVerdict, type Named } from "./run";
import { Steps } from "./Steps";
import { Summary } from "./Summary";
import { verifyText } from "./text";

type Subject = { readonly kind: "receipt"; readonly bytes: Bytes; readonly from: string } | { readonly kind: "leaf"; readonly named: Named; readonly from: string };
type Found = { readonly kind: "receipt"; readonly verdict: Verdict } | { readonly kind: "leaf"; readonly verdict: LeafVerdict; readonly index: number };

export function VerifyPage() {
  const v = verifyText.use();
  const w = useWords();
  const { t, count } = w;
  // For what is said later, in the language of then.
  const words = useRef(w);
  words.current = w;
  const [subject, setSubject] = useState<Subject>();
  const [found, setFound] = useState<Found>();
  const [wrong, setWrong] = useState("");
  const [site, setSite] = useState<{ readonly trust: Trust | undefined }>();
  const [looked, setLooked] = useState(0);
  const asking = useRef<Promise<Trust | undefined>>(undefined);
  useTitle(`${v.title} · ${t.brand}`);

  /** Asked once, and again when it did not answer. */
  const siteTrust = useCallback(async () => {
    asking.current ??= trustOfSite();
    const trust = await asking.current;
    if (trust === undefined) asking.current = undefined;
    setSite({ trust });
    return trust;
  }, []);
  useEffect(() => void siteTrust(), [siteTrust]);

  const take = useCallback(
    (bytes: Bytes, from: string) => {
      setWrong("");
      setFound(undefined);
      const text = bytes.length < 1_000_000 ? fromUtf8(bytes) : undefined;
      if (text?.startsWith(FIRST_LINE) !== true) {
        setSubject({ kind: "receipt", bytes, from });
        return;
      }
      try {
        setSubject({ kind: "leaf", named: { index: parseProof(text).index, order: undefined, proof: text }, from });
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        setWrong(v.say.proofForm({ at: 0, detail: error.message }, words.current));
      }
    },
    [v],
  );
  useEffect(() => {
    const look = (): void => {
      const asked = askedBy(location.hash);
      if (asked.kind === "receipt") take(utf8(asked.text), v.fromHand);
      if (asked.kind === "wrong") setWrong(v.badLink);
      if (asked.kind === "leaf") {
        setFound(undefined);
        setSubject({ kind: "leaf", named: asked.named, from: v.leafOf(words.current.count(asked.named.index)) });
      }
    };
    look();
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, [take, v]);

  useEffect(() => {
    if (subject === undefined) return undefined;
    let isCurrent = true;
    const told = (found: Found): void => {
      if (isCurrent) setFound(found);
    };
    void (async () => {
      const own = await ownKeys();
      if (subject.kind === "receipt") await verifyReceipt(subject.bytes, own, siteTrust, (verdict) => told({ kind: "receipt", verdict }));
      else told({ kind: "leaf", verdict: await verifyLeaf(subject.named, own, siteTrust), index: subject.named.index });
    })();
    return () => {
      isCurrent = false;
    };
  }, [subject, siteTrust, looked]);

  const clear = (): void => {
    history.replaceState(null, "", location.pathname);
    setSubject(undefined);
    setFound(undefined);
    setWrong("");
  };
  const again = useCallback(() => setLooked((n) => n + 1), []);

  return (
    <main class="public verify">
      <PublicTop here="verify" />
      <div class="public-head">
        <h1>{v.heading}</h1>
        <p>{v.lead}</p>
      </div>
      <div class="verify-desk">
        <div class="verify-main" aria-live="polite" aria-busy={subject !== undefined && found === undefined}>
          {wrong !== "" && (
            <p class="wrong" role="alert">
              {wrong}
            </p>
          )}
          {subject === undefined && <Drop onBytes={take} onWrong={setWrong} />}
          {subject !== undefined && found === undefined && (
            <div class="paper">
              <p class="hint">{v.reading}</p>
              <Skeleton lines={8} />
            </div>
          )}
          {subject !== undefined && found !== undefined && (
            <>
              <Summary checks={found.verdict.checks} from={subject.from} verdict={found.kind === "receipt" ? found.verdict : undefined} onAgain={clear} />
              {found.kind === "leaf" && found.verdict.leaf !== undefined && <LeafFacts leaf={found.verdict.leaf} written={found.verdict.written ?? ""} index={count(found.index)} />}
              <Steps checks={found.verdict.checks} />
            </>
          )}
        </div>
        <aside class="verify-aside">
          <KeyPanel site={site} onChange={again} />
          <MemoryPanel found={found} />
          <section class="paper limits">
            <h2>{v.limits.heading}</h2>
            <ul>
              {v.limits.items.map((item) => (
                <li key={item}>{item}</li>
              ))}
            </ul>
          </section>
        </aside>
      </div>
    </main>
  );
}
