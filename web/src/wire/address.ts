// What the address bar says. A token is taken out of it at once, so that a shared link or a screenshot doesn't give it away.

import { tab } from "./memory";

const TOKEN = "apricot.token";

/** Moves `#token=…` to this tab's storage and returns what else the fragment named. */
export function takeFragment(): URLSearchParams {
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
  const token = fragment.get("token");
  if (token !== null) {
    keepToken(token);
    fragment.delete("token");
    const rest = fragment.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  }
  return fragment;
}

export function token(): string {
  return tab.recall(TOKEN) ?? "";
}

export function keepToken(token: string): void {
  // Anything else than a JWT's characters can't be sent in a header.
  if (/^[\w.~+/=:-]+$/.test(token)) tab.keep(TOKEN, token);
}

export function forgetToken(): void {
  tab.forget(TOKEN);
}

export function roomOfPath(path: string): string | undefined {
  const match = /^\/rooms\/([a-z0-9-]{3,40})\/?$/.exec(path);
  return match?.[1];
}

export function projectOfPath(path: string): string | undefined {
  return /^\/p\/([a-z0-9-]{1,64})\/?$/.exec(path)?.[1];
}

export function pledgeOfPath(path: string): string | undefined {
  const match = /^\/pledges\/([^/]{1,200})\/?$/.exec(path);
  try {
    return match?.[1] === undefined ? undefined : decodeURIComponent(match[1]);
  } catch {
    return undefined;
  }
}
