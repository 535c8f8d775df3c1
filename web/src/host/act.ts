// One change at a time: while it runs the buttons wait, and then something is said.

import { useCallback, useState } from "preact/hooks";

import { problemText } from "../parts/names";
import { useWords } from "../text";
import { Refused } from "../wire/refused";

export interface Act {
  readonly busy: boolean;
  readonly said: { readonly text: string; readonly wrong: boolean } | undefined;
  readonly run: (work: () => Promise<unknown>, done: string) => Promise<void>;
  readonly refuse: (text: string) => void;
}

export function useAct(): Act {
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Act["said"]>();
  const run = useCallback(
    async (work: () => Promise<unknown>, done: string) => {
      setBusy(true);
      setSaid(undefined);
      try {
        await work();
        setSaid({ text: done, wrong: false });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setSaid({ text: problemText(t, error.problem), wrong: true });
      } finally {
        setBusy(false);
      }
    },
    [t],
  );
  const refuse = useCallback((text: string) => setSaid({ text, wrong: true }), []);
  return { busy, said, run, refuse };
}
