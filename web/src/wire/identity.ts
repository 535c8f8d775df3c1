// Who a token says one is, and how a page that watches as a guest hears of one that came in beside it.

import { token as ownToken } from "./address";

export interface Identity {
  readonly token: string;
  readonly name: string;
  readonly role: string;
  readonly endsAtMs: number;
  /** Good for this room only; empty: for all. */
  readonly room: string;
}

const CHANNEL = "apricot.sign-in";

/** Reads a token's claims without checking them, which is the server's part. */
export function identityOf(token: string): Identity | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const text = (name: string): string => (typeof claims[name] === "string" ? claims[name] : "");
    const seconds = typeof claims.exp === "number" ? claims.exp : 0;
    return { token, name: text("name") || text("sub"), role: text("role"), endsAtMs: seconds * 1000, room: text("room") };
  } catch {
    return undefined;
  }
}

/** The token in whatever was pasted: a link, its end, or the bare token. */
export function pastedToken(text: string): string | undefined {
  const said = text.trim();
  const token = /[#&]token=([\w.~+/=:-]+)/.exec(said)?.[1] ?? said;
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : undefined;
}

/** Answers other pages of this browser that ask. Only buyers' tokens: nobody becomes a host by surprise. */
export function answerGuests(): void {
  if (!("BroadcastChannel" in globalThis)) return;
  const channel = new BroadcastChannel(CHANNEL);
  const tell = (): void => {
    const mine = ownToken();
    if (identityOf(mine)?.role === "viewer") channel.postMessage({ token: mine });
  };
  channel.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.data === "who") tell();
  });
  // A page that came in tells those that are waiting already.
  tell();
}

/** Asks the other pages, now and as they come in; the answer ends it. */
export function askOtherPages(onIdentity: (identity: Identity) => void): () => void {
  if (!("BroadcastChannel" in globalThis)) return () => undefined;
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", (event: MessageEvent<unknown>) => {
    const { data } = event;
    if (typeof data !== "object" || data === null || !("token" in data) || typeof data.token !== "string") return;
    const identity = identityOf(data.token);
    if (identity !== undefined) onIdentity(identity);
  });
  channel.postMessage("who");
  return () => channel.close();
}
