// What fills the room while there is no picture: an orchard, morning or dusk after the reader's scheme.

import { useEffect, useState } from "preact/hooks";

import { memo } from "../parts/memo";

/** `low`: a strip of it, wide rather than tall. */
export const Poster = memo(function Poster(props: { low?: boolean }) {
  // Its hundred shapes come a frame later than what a person can press.
  const [grown, grow] = useState(false);
  useEffect(() => grow(true), []);
  return (
    <div class="poster" aria-hidden="true">
      {grown && <Orchard low={props.low === true} />}
    </div>
  );
});

function Orchard(props: { low: boolean }) {
  return (
    <>
      <svg class="poster-sun" viewBox="0 0 200 200">
        <defs>
          <radialGradient id="sun" cx=".38" cy=".34" r=".75">
            <stop class="sun-1" offset="0" />
            <stop class="sun-2" offset=".55" />
            <stop class="sun-3" offset="1" />
          </radialGradient>
        </defs>
        <path fill="url(#sun)" d="M104 26c26-18 74 2 76 58 2 54-34 92-82 92S16 140 18 88C20 34 74 6 104 26z" />
        <path class="sun-crease" d="M104 26C78 62 76 122 100 174" />
      </svg>
      <svg class="poster-hills" viewBox={props.low ? "0 84 600 240" : "0 0 600 400"} preserveAspectRatio="xMidYMax slice">
        <path class="hill-1" d="M0 150C90 96 150 120 230 92s150 30 220 8 110-20 150-2v302H0z" />
        <path class="hill-2" d="M0 212c70-34 130-12 204-40s150 40 236 12 120-8 160 8v208H0z" />
        <path class="terrace" d="M40 218c70-16 110-6 170-22M390 206c60-10 120-14 190-2M420 226c50-8 110-10 180 2" />
        <path class="hill-3" d="M0 262c110-40 180 8 300-18s200-30 300 14v142H0z" />
        <path class="terrace" d="M20 286c100-26 170 6 270-10M340 278c80-14 170-12 240 14M60 312c90-16 150 4 230-4" />
        {TREES.map(([x, y, r], at) => (
          <g key={at} class="tree">
            <path d={`M${x} ${y}v${r * 1.1}`} />
            <circle cx={x} cy={y - r * 0.35} r={r} />
            <circle cx={x - r * 0.75} cy={y} r={r * 0.68} />
            <circle cx={x + r * 0.75} cy={y + 1} r={r * 0.7} />
            <circle class="fruit" cx={x - r * 0.5} cy={y - r * 0.2} r={r * 0.16} />
            <circle class="fruit" cx={x + r * 0.35} cy={y - r * 0.6} r={r * 0.16} />
            <circle class="fruit" cx={x + r * 0.7} cy={y + r * 0.1} r={r * 0.16} />
          </g>
        ))}
        <path class="hill-4" d="M0 344c90-34 190-26 290-10s220-18 310 6v60H0z" />
      </svg>
      <svg class="poster-bough" viewBox="0 0 360 300">
        <defs>
          <radialGradient id="fruit" cx=".36" cy=".32" r=".8">
            <stop class="sun-2" offset="0" />
            <stop class="sun-3" offset=".8" />
          </radialGradient>
        </defs>
        <path class="bough" d="M366 8C300 20 236 52 190 92c-40 34-84 48-132 50 46-8 84-24 118-58C224 38 296 4 366-8z" />
        <path class="twig" d="M262 46c-6 40-2 66-16 98M186 92c2 38-10 60-8 92M118 128c-8 22-20 34-24 58" />
        {LEAVES.map(([x, y, turn, size], at) => (
          <path key={at} class={at % 3 === 0 ? "leaf pale" : "leaf"} transform={`translate(${x} ${y}) rotate(${turn}) scale(${size})`} d="M0 0c10-20 34-26 58-14-10 20-36 28-58 14zm0 0c18-2 36-6 52-12" />
        ))}
        {FRUITS.map(([x, y, size], at) => (
          <g key={at} transform={`translate(${x} ${y}) scale(${size})`}>
            <path fill="url(#fruit)" d="M2-20c14-10 34 2 32 24S18 34 0 34-36 24-34 2-12-30 2-20z" />
            <path class="sun-crease" d="M2-20C-8-4-9 18-1 33" />
          </g>
        ))}
      </svg>
    </>
  );
}

type Tree = readonly [x: number, y: number, r: number];
type Leaf = readonly [x: number, y: number, turn: number, size: number];
type Fruit = readonly [x: number, y: number, size: number];

const TREES: readonly Tree[] = [
  [70, 262, 13],
  [116, 258, 11],
  [238, 262, 12],
  [372, 250, 12],
  [418, 252, 14],
  [498, 256, 13],
  [548, 266, 16],
  [40, 306, 21],
  [150, 300, 18],
  [318, 306, 19],
  [456, 308, 23],
  [570, 318, 20],
];
const LEAVES: readonly Leaf[] = [
  [300, 22, 150, 1],
  [268, 44, 38, 0.9],
  [226, 66, 190, 1.05],
  [244, 110, 20, 0.8],
  [190, 94, 60, 0.85],
  [160, 108, 205, 1],
  [120, 128, 40, 0.8],
  [92, 140, 195, 0.95],
  [60, 142, 160, 0.7],
  [330, 14, 60, 0.95],
];
const FRUITS: readonly Fruit[] = [
  [244, 172, 1.15],
  [178, 214, 1],
  [92, 208, 0.86],
  [300, 66, 0.8],
];
