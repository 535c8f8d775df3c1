// Tiles for provinces, circles for counties. It shows no more than the table beside it says.

import { useWords } from "../text";
import { standing, type Place } from "./board";
import { COLUMNS, PROVINCES, ROWS, type Province } from "./provinces";
import { boardText } from "./text";

const TILE = 48;
const GAP = 4;
const STEP = TILE + GAP;
/** Of the largest circle; a circle's area is what its county gave. */
const RADIUS_MAX = 11;
const RADIUS_MIN = 3;
const LEVELS = 4;
/** Where circles stand in a tile, one after the other; there is no room for more. */
const SEATS: readonly (readonly [x: number, y: number])[] = [
  [34, 33],
  [13, 36],
  [37, 12],
  [24, 26],
  [24, 42],
];

export function ProvinceMap(props: { places: readonly Place[] }) {
  const b = boardText.use();
  const { count, language, money } = useWords();
  const inside = props.places.filter(({ province }) => province !== undefined);
  const of = (province: Province): readonly Place[] => inside.filter((place) => place.province === province);
  const given = (places: readonly Place[]): bigint => places.reduce((sum, { row }) => sum + standing(row), 0n);
  const most = PROVINCES.reduce((sum, province) => (given(of(province)) > sum ? given(of(province)) : sum), 0n);
  const mostOfOne = inside.reduce((sum, { row }) => (standing(row) > sum ? standing(row) : sum), 0n);
  const ratio = (part: bigint, whole: bigint): number => (whole <= 0n || part <= 0n ? 0 : Number((part * 10_000n) / whole) / 10_000);
  const provinces = new Set(inside.map(({ province }) => province)).size;
  return (
    <figure class="map">
      <svg viewBox={`0 0 ${COLUMNS * STEP - GAP} ${ROWS * STEP - GAP}`} role="img" aria-label={b.mapLabel(count(provinces), count(inside.length))} data-testid="map">
        {PROVINCES.map((province) => {
          const places = of(province);
          const sum = given(places);
          return (
            <g key={province.id} transform={`translate(${province.column * STEP} ${province.row * STEP})`} class="tile" data-province={province.id} data-level={places.length === 0 ? 0 : Math.max(1, Math.ceil(ratio(sum, most) * LEVELS))}>
              <title>{`${language === "en" ? province.en : province.zh}${places.length === 0 ? "" : ` · ${places.map(({ row }) => `${row.key} ${money({ minor: standing(row), currency: row.currency })}`).join(" · ")}`}`}</title>
              <rect width={TILE} height={TILE} rx="9" />
              {places.slice(0, SEATS.length).map(({ row }, seat) => {
                const [x, y] = SEATS[seat] ?? [0, 0];
                return <circle key={row.key} cx={x} cy={y} r={Math.max(RADIUS_MIN, RADIUS_MAX * Math.sqrt(ratio(standing(row), mostOfOne)))} />;
              })}
              <text x="6" y="20">
                {language === "en" ? province.id : province.sign}
              </text>
            </g>
          );
        })}
      </svg>
      <figcaption class="hint">{b.mapHint}</figcaption>
    </figure>
  );
}
