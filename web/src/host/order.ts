// A list's order.

/** `list` with the item at `from` standing at `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const item = list[from];
  if (item === undefined || to < 0 || to >= list.length || from === to) return list;
  const rest = [...list.slice(0, from), ...list.slice(from + 1)];
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}

/** `items` in the order of `keys`; what is not named keeps its place at the end. Someone may have added or removed one meanwhile. */
export function inOrder<T>(items: readonly T[], keys: readonly string[], keyOf: (item: T) => string): readonly T[] {
  const place = (item: T): number => {
    const at = keys.indexOf(keyOf(item));
    return at < 0 ? keys.length : at;
  };
  return [...items].sort((a, b) => place(a) - place(b));
}

/** Where an item that was dragged `dy` from `from` would stand, given the tops and heights of all before the drag. */
export function landing(boxes: readonly { readonly top: number; readonly height: number }[], from: number, dy: number): number {
  const box = boxes[from];
  if (box === undefined) return from;
  const middle = box.top + box.height / 2 + dy;
  let to = 0;
  for (const [at, other] of boxes.entries()) {
    if (at !== from && other.top + other.height / 2 < middle) to += 1;
  }
  return to;
}
