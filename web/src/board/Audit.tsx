// How to check all of it without this page.

import { useState } from "preact/hooks";

import { boardText } from "./text";

export function Audit() {
  const b = boardText.use();
  const [isCopied, setCopied] = useState(false);
  const command = `apricot audit ${location.origin}`;
  const copy = (): void => {
    // Where it is not allowed, the command is there to be marked.
    navigator.clipboard?.writeText(command).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <section class="paper audit">
      <h2>{b.audit}</h2>
      <p>{b.auditHint}</p>
      <code data-testid="audit">{command}</code>
      <div class="audit-act unprinted">
        <button type="button" class="quiet" onClick={copy}>
          {b.auditCopy}
        </button>
        <button type="button" class="plain" onClick={() => print()}>
          {b.print}
        </button>
        {isCopied && <span role="status">{b.auditCopied}</span>}
      </div>
    </section>
  );
}
