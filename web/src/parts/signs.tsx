// The few signs the pages use, drawn with the colour of the words around them.

import type { ComponentChildren } from "preact";

export function Sign(props: { children: ComponentChildren; filled?: boolean }) {
  return (
    <svg
      class="sign-svg"
      viewBox="0 0 24 24"
      width="22"
      height="22"
      aria-hidden="true"
      fill={props.filled === true ? "currentColor" : "none"}
      stroke={props.filled === true ? "none" : "currentColor"}
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {props.children}
    </svg>
  );
}

export const Cross = () => (
  <Sign>
    <path d="M6 6l12 12M18 6L6 18" />
  </Sign>
);
export const Heart = () => (
  <Sign filled>
    <path d="M12 20.5C5.4 16 2.8 12.6 2.8 8.9c0-2.9 2.2-5 4.8-5 1.8 0 3.4.9 4.4 2.5 1-1.6 2.6-2.5 4.4-2.5 2.6 0 4.8 2.1 4.8 5 0 3.7-2.6 7.1-9.2 11.600z" />
  </Sign>
);
export const Parcel = () => (
  <Sign>
    <path d="M4 8l8-4 8 4v8.500l-8 4-8-4zM4 8l8 4 8-4M12 12v8.500M8 6l8 4" />
  </Sign>
);
export const Arrow = () => (
  <Sign>
    <path d="M15 5l-7 7 7 7" />
  </Sign>
);
export const Send = () => (
  <Sign>
    <path d="M4.5 12L20 4.5 15 20l-3.5-6.500zM11.5 13.500L20 4.5" />
  </Sign>
);
export const Leaf = () => (
  <Sign>
    <path d="M5 19C4 9 10 4 20 4c.5 10-4.5 16-14 14M5 19c2-5 5-8 9-10" />
  </Sign>
);
export const Eye = () => (
  <Sign>
    <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" />
    <circle cx="12" cy="12" r="2.8" />
  </Sign>
);
export const Minus = () => (
  <Sign>
    <path d="M6 12h12" />
  </Sign>
);
export const Plus = () => (
  <Sign>
    <path d="M6 12h12M12 6v12" />
  </Sign>
);
export const Horn = () => (
  <Sign>
    <path d="M4 10v4h3l8 4V6L7 10zM18.5 9.500c1 1.5 1 3.5 0 5" />
  </Sign>
);
export const Play = () => (
  <Sign filled>
    <path d="M8 5.2v13.6c0 .8.9 1.300 1.600.9l10.600-6.800c.600-.4.600-1.300 0-1.700L9.600 4.400C8.900 3.900 8 4.400 8 5.200z" />
  </Sign>
);
export const Sound = () => (
  <Sign>
    <path d="M4 10v4h3.500l5 4V6l-5 4zM16 9c1.700 1.700 1.700 4.300 0 6M18.500 6.500c3.100 3.100 3.100 7.900 0 11" />
  </Sign>
);
export const Mute = () => (
  <Sign>
    <path d="M4 10v4h3.500l5 4V6l-5 4zM16.500 9.500l5 5M21.500 9.500l-5 5" />
  </Sign>
);
export const Receipt = () => (
  <Sign>
    <path d="M6 3.500h12v17l-2.400-1.600-2.400 1.600-2.400-1.600-2.400 1.600L6 20.500zM9 8.500h6M9 12.500h6" />
  </Sign>
);
export const Waves = () => (
  <Sign>
    <path d="M4 9c2.700-3 5.300-3 8 0s5.300 3 8 0M4 15c2.700-3 5.300-3 8 0s5.300 3 8 0" />
  </Sign>
);
export const Calm = () => (
  <Sign>
    <path d="M4 9h16M4 15h16" />
  </Sign>
);
export const Pin = () => (
  <Sign>
    <path d="M9 4h6l-1 6 3 3v1.500H7V13l3-3zM12 14.500V20" />
  </Sign>
);
export const Tick = () => (
  <Sign>
    <path d="M5 12.500l4.500 4.500L19 7.500" />
  </Sign>
);
export const Doubt = () => (
  <Sign>
    <path d="M8.500 9.200a3.500 3.500 0 1 1 5.300 3c-1.100.700-1.800 1.300-1.800 2.600M12 18.200v.100" />
  </Sign>
);
