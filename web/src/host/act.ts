// One change at a time: while it runs the buttons wait, and then something is said.

import { useCallback, useState } from "preact/hooks";

import type { Problem } from "../gen/apricot/v1/common_pb";
import { problemText } from "../parts/names";
import { useWords } from "../text";
import { Refused } from "../wire/refused";

export interface Act {
  readonly busy: boolean;
  readonly said: { readonly text: string; readonly wrong: boolean } | undefined;
  /** True when it worked. `explain` has words for a refusal that the catalogue of problems is too short for. */
  readonly run: (work: () => Promise<unknown>, done: string, explain?: (problem: Problem) => string | undefined) => Promise<boolean>;
  readonly refuse: (text: string) => void;
}

export function useAct(): Act {
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Act["said"]>();
  const run = useCallback<Act["run"]>(
    async (work, done, explain) => {
      setBusy(true);
      setSaid(undefined);
      try {
        await work();
        setSaid(done === "" ? undefined : { text: done, wrong: false });
        return true;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setSaid({ text: explain?.(error.problem) ?? problemText(t, error.problem), wrong: true });
        return false;
      } finally {
        setBusy(false);
      }
    },
    [t],
  );
  const refuse = useCallback((text: string) => setSaid({ text, wrong: true }), []);
  return { busy, said, run, refuse };
}
