// Who may do what in a room, as docs/api.md has it. What someone may not do is not shown to them; the server has the last word.

import type { Room } from "../gen/apricot/v1/room_pb";
import type { Claims } from "../wire/claims";

export type As = "host" | "ops" | "commissioner" | "moderator" | "nobody";

export interface Rights {
  readonly as: As;
  /** State, sales, money, orders, helpers. */
  readonly runs: boolean;
  /** Opens sales: products and pledges are the host's own. */
  readonly sells: boolean;
  /** Chat, cards. */
  readonly moderates: boolean;
  /** The order of the run sheet. */
  readonly arranges: boolean;
  /** What the room has sold. */
  readonly seesFigures: boolean;
}

export function rightsIn(room: Pick<Room, "id" | "hostId" | "place" | "moderators">, me: Claims): Rights {
  const as = roleIn(room, me);
  const runs = as === "host" || as === "ops";
  return {
    as,
    runs,
    sells: as === "host",
    moderates: as !== "nobody",
    arranges: runs || as === "commissioner",
    seesFigures: runs || as === "commissioner",
  };
}

function roleIn(room: Pick<Room, "id" | "hostId" | "place" | "moderators">, me: Claims): As {
  if (me.room !== "" && me.room !== room.id) return "nobody";
  if (me.role === "ops") return "ops";
  if (me.role === "host" && me.subject === room.hostId) return "host";
  if (me.role === "commissioner" && me.county !== "" && room.place.startsWith(me.county)) return "commissioner";
  return me.role !== "" && me.role !== "guest" && room.moderators.includes(me.subject) ? "moderator" : "nobody";
}
