// From a number to the line of the public log that states it.

import type { ComponentChildren } from "preact";

import { useWords } from "../text";
import { addressOfLeaf } from "../verify/address";

/** `what`: the number in words, for who hears the link. Without a line yet the number stands alone. */
export function LeafLink(props: { leaf: bigint | undefined; what: string; children: ComponentChildren }) {
  const { t, count } = useWords();
  if (props.leaf === undefined) return <>{props.children}</>;
  const leaf = Number(props.leaf);
  return (
    <a class="to-leaf" href={addressOfLeaf(leaf)} data-leaf={leaf} aria-label={t.leaf.check(props.what, count(leaf))} title={t.leaf.at(count(leaf))}>
      {props.children}
    </a>
  );
}

/** A tally is never the first line of the log: 0 says that there is none yet. */
export function tallied(leaf: bigint): bigint | undefined {
  return leaf === 0n ? undefined : leaf;
}
