// Where the page stands: `#room=…&view=…`, so that a reload, a bookmark and the back button find it.

import { useEffect, useState } from "preact/hooks";

import { takeFragment } from "../wire/address";

const VIEWS = ["now", "sheet", "chat", "orders", "more", "products", "helpers", "room", "summary"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly room: string | undefined;
  readonly view: View | undefined;
}

export function routeOf(fragment: URLSearchParams): Route {
  const room = fragment.get("room") ?? "";
  const view = VIEWS.find((known) => known === fragment.get("view"));
  return /^[a-z0-9-]{3,40}$/.test(room) ? { room, view } : { room: undefined, view: undefined };
}

export function addressOf(room: string, view: View): string {
  return `#room=${encodeURIComponent(room)}&view=${view}`;
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
