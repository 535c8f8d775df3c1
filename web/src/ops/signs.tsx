// Signs of the rail.

import type { ComponentType } from "preact";

import { Sign } from "../parts/signs";
import type { View } from "./route";

const Overview = () => (
  <Sign>
    <path d="M4 13h7V4H4zM13 20h7v-9h-7zM4 20h7v-4H4zM13 8h7V4h-7z" />
  </Sign>
);
const Rooms = () => (
  <Sign>
    <path d="M3.500 6.500h17v11h-17zM9 21h6M12 17.500V21" />
  </Sign>
);
const Delivery = () => (
  <Sign>
    <path d="M3 12h4l3-7 4 14 3-7h4" />
  </Sign>
);
const Journal = () => (
  <Sign>
    <path d="M5 6c0-3.300 14-3.300 14 0v12c0 3.300-14 3.300-14 0zM5 6c0 3.300 14 3.300 14 0M5 12c0 3.300 14 3.300 14 0" />
  </Sign>
);
const Money = () => (
  <Sign>
    <path d="M7 4.500l5 7 5-7M12 11.500V20M7.500 12.500h9M7.500 16h9" />
  </Sign>
);
const Remittances = () => (
  <Sign>
    <path d="M4 9.500l8-5 8 5zM6 10v7M10 10v7M14 10v7M18 10v7M4 20h16M5 17h14" />
  </Sign>
);
/** A bowl, and what is added to it. */
const Pools = () => (
  <Sign>
    <path d="M3.500 11.500h17c0 4.700-3.800 8.500-8.500 8.500s-8.500-3.800-8.500-8.500zM12 3v5M9.500 5.500h5" />
  </Sign>
);
const Audit = () => (
  <Sign>
    <path d="M6 3.500h9l4 4v13H6zM9 11h7M9 15h7M15 3.500v4h4" />
  </Sign>
);

export const SIGNS: Record<View, ComponentType> = { overview: Overview, rooms: Rooms, delivery: Delivery, record: Journal, money: Money, remittances: Remittances, pools: Pools, audit: Audit };
