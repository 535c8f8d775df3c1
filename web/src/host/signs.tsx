// Signs of the desk, in the hand of parts/signs.

import { Sign } from "../parts/signs";

export const Bolt = () => (
  <Sign filled>
    <path d="M13.5 2.5L5 13.500h5.500L9.500 21.500 19 10h-6z" />
  </Sign>
);
export const Grip = () => (
  <Sign filled>
    <circle cx="9" cy="6" r="1.6" />
    <circle cx="15" cy="6" r="1.6" />
    <circle cx="9" cy="12" r="1.6" />
    <circle cx="15" cy="12" r="1.6" />
    <circle cx="9" cy="18" r="1.6" />
    <circle cx="15" cy="18" r="1.6" />
  </Sign>
);
export const Up = () => (
  <Sign>
    <path d="M12 19V5M6 11l6-6 6 6" />
  </Sign>
);
export const Down = () => (
  <Sign>
    <path d="M12 5v14M6 13l6 6 6-6" />
  </Sign>
);
export const Pencil = () => (
  <Sign>
    <path d="M4 20l1-4L16.500 4.500a2.100 2.100 0 013 3L8 19zM14.500 6.500l3 3" />
  </Sign>
);
export const Tick = () => (
  <Sign>
    <path d="M5 12.500l4.500 4.500L19 7.500" />
  </Sign>
);
export const Warning = () => (
  <Sign>
    <path d="M12 4L2.800 19.500h18.400zM12 10v4.500M12 17v.1" />
  </Sign>
);
export const Camera = () => (
  <Sign>
    <path d="M3.500 7.500h11v9h-11zM14.500 11l6-3v8l-6-3" />
  </Sign>
);
export const List = () => (
  <Sign>
    <path d="M9 6.500h11M9 12h11M9 17.500h11M4.500 6.500h.1M4.500 12h.1M4.500 17.500h.1" />
  </Sign>
);
export const Bubble = () => (
  <Sign>
    <path d="M4 5.500h16v10.500h-9l-4.500 4v-4H4z" />
  </Sign>
);
export const Dots = () => (
  <Sign filled>
    <circle cx="5" cy="12" r="1.900" />
    <circle cx="12" cy="12" r="1.900" />
    <circle cx="19" cy="12" r="1.900" />
  </Sign>
);
export const Crate = () => (
  <Sign>
    <path d="M3.500 9h17l-1.500 10.500H5zM3.500 9L8 4M20.500 9L16 4M9 13v3.500M15 13v3.500" />
  </Sign>
);
export const People = () => (
  <Sign>
    <circle cx="9" cy="8" r="3.300" />
    <path d="M2.800 19.500c.4-4 2.800-6 6.200-6s5.800 2 6.200 6M15.500 5a3.300 3.300 0 010 6M17.500 14c2.200.700 3.500 2.500 3.700 5.500" />
  </Sign>
);
export const Chart = () => (
  <Sign>
    <path d="M4 4v16h16M8 16v-4M12.500 16V8M17 16v-6" />
  </Sign>
);
export const Gear = () => (
  <Sign>
    <path d="M4 7h9M18 7h2M4 17h2M11 17h9" />
    <circle cx="15.500" cy="7" r="2.300" />
    <circle cx="8.500" cy="17" r="2.300" />
  </Sign>
);
export const Truck = () => (
  <Sign>
    <path d="M2.500 6.500h11v10h-11zM13.500 10h4l3.500 3.500v3h-7.500" />
    <circle cx="7" cy="17.500" r="1.900" />
    <circle cx="17" cy="17.500" r="1.900" />
  </Sign>
);
export const Door = () => (
  <Sign>
    <path d="M14 4h5v16h-5M4 12h10M10.500 8l4 4-4 4" />
  </Sign>
);
export const Sheets = () => (
  <Sign>
    <path d="M12 4v11M7 11l5 5 5-5M4.500 20h15" />
  </Sign>
);
