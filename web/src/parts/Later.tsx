// Parts that are fetched when they are first needed.

import { useEffect, useState } from "preact/hooks";

type Loaded<T> = { readonly kind: "loading" } | { readonly kind: "failed" } | { readonly kind: "loaded"; readonly part: T };

/** `load` must be the same function every time. */
export function useLater<T>(load: () => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ kind: "loading" });
  useEffect(() => {
    load().then(
      (part) => setLoaded({ kind: "loaded", part }),
      () => setLoaded({ kind: "failed" }),
    );
  }, [load]);
  return loaded;
}
