// Where the page stands: `#view=…` or `#room=…`, so that a reload, a link in a message and the back button find it.

import { useEffect, useState } from "preact/hooks";

import { takeFragment } from "../wire/address";

export const VIEWS = ["overview", "rooms", "delivery", "record", "money", "remittances", "pools", "audit"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  readonly room: string | undefined;
}

export function routeOf(fragment: URLSearchParams): Route {
  const room = fragment.get("room") ?? "";
  if (/^[a-z0-9-]{3,40}$/.test(room)) return { view: "rooms", room };
  return { view: VIEWS.find((known) => known === fragment.get("view")) ?? "overview", room: undefined };
}

/** Follows links. A link with a token makes this another person's page: everything starts over. */
export function useRoute(first: URLSearchParams): Route {
  const [route, setRoute] = useState(() => routeOf(first));
  useEffect(() => {
    const follow = (): void => {
      const another = new URLSearchParams(location.hash.slice(1)).has("token");
      const named = takeFragment();
      if (another) location.reload();
      else setRoute(routeOf(named));
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
