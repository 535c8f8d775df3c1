// What leads here: a receipt's code names a line, "check it now" hands a receipt over in this tab.

import { tab } from "../wire/memory";
import { decimal } from "./bytes";
import type { Named } from "./run";

const HANDED = "apricot.verify.receipt";
const HANDED_HASH = "#handed";

export type Asked = { readonly kind: "nothing" | "wrong" } | { readonly kind: "receipt"; readonly text: string } | { readonly kind: "leaf"; readonly named: Named };

export function askedBy(hash: string): Asked {
  if (hash === HANDED_HASH) {
    const text = tab.recall(HANDED);
    return text === null ? { kind: "nothing" } : { kind: "receipt", text };
  }
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const leaf = said.get("leaf");
  if (leaf === null) return { kind: "nothing" };
  const index = decimal(leaf);
  const order = said.get("order") ?? undefined;
  if (index === undefined || (order !== undefined && !/^[0-9a-f]{64}$/.test(order))) return { kind: "wrong" };
  return { kind: "leaf", named: { index, order } };
}

/** No personal data is in it: a line's place, and the commitment that the line shows anyhow. */
export function addressOfLeaf(index: number, order?: string): string {
  return `/verify#leaf=${index}${order === undefined ? "" : `&order=${order}`}`;
}

/** The address to go to. The receipt stays in this tab. */
export function handOver(receipt: string): string {
  tab.keep(HANDED, receipt);
  return `/verify${HANDED_HASH}`;
}
