// Tiles for provinces, circles for counties. It shows no more than the table beside it says.

import { useState } from "preact/hooks";

import type { BoardRow } from "../gen/apricot/v1/log_pb";
import { useWords } from "../text";
import { standing, type Place } from "./board";
import { COLUMNS, PROVINCES, ROWS, type Province } from "./provinces";
import { rowId } from "./RowTable";
import { boardText } from "./text";

const TILE = 48;
const GAP = 4;
const STEP = TILE + GAP;
/** Of the largest circle; a circle's area is what its county gave. */
const RADIUS_MAX = 11;
const RADIUS_MIN = 3;
const LEVELS = 4;
const MAP_LIST = "map-places";
/** Where circles stand in a tile, one after the other, as long as they are few. */
const SEATS: readonly (readonly [x: number, y: number])[] = [
  [34, 33],
  [13, 36],
  [37, 12],
  [24, 26],
  [24, 42],
];
/** More of them stand in rows under the sign, all small; the last seat says how many are left out. */
const ROW_SEATS = 5;
const SEATS_MAX = 15;

function seatOf(seat: number, places: number): readonly [x: number, y: number] {
  if (places <= SEATS.length) return SEATS[seat] ?? [0, 0];
  return [6 + (seat % ROW_SEATS) * 9, 27 + Math.floor(seat / ROW_SEATS) * 8];
}

/** `onPlace`: leads to a place's row. */
export function ProvinceMap(props: { places: readonly Place[]; onPlace: (row: BoardRow) => void }) {
  const b = boardText.use();
  const { count, language, money } = useWords();
  const inside = props.places.filter(({ province }) => province !== undefined);
  const of = (province: Province): readonly Place[] => inside.filter((place) => place.province === province);
  const given = (places: readonly Place[]): bigint => places.reduce((sum, { row }) => sum + standing(row), 0n);
  const most = PROVINCES.reduce((sum, province) => (given(of(province)) > sum ? given(of(province)) : sum), 0n);
  const mostOfOne = inside.reduce((sum, { row }) => (standing(row) > sum ? standing(row) : sum), 0n);
  const ratio = (part: bigint, whole: bigint): number => (whole <= 0n || part <= 0n ? 0 : Number((part * 10_000n) / whole) / 10_000);
  const provinces = new Set(inside.map(({ province }) => province)).size;
  const [opened, setOpened] = useState<string>();
  const open = PROVINCES.find(({ id }) => id === opened);
  const nameOf = (province: Province): string => (language === "en" ? province.en : province.zh);
  const listed = open === undefined ? [] : of(open);
  return (
    <figure class="map">
      <svg viewBox={`0 0 ${COLUMNS * STEP - GAP} ${ROWS * STEP - GAP}`} role="group" aria-label={b.mapLabel(count(provinces), count(inside.length))} data-testid="map">
        {PROVINCES.map((province) => {
          const places = of(province);
          const sum = given(places);
          const sign = language === "en" ? province.id : province.sign;
          const tile = (
            <>
              <title>{`${nameOf(province)}${places.length === 0 ? "" : ` · ${places.map(({ row }) => `${row.key} ${money({ minor: standing(row), currency: row.currency })}`).join(" · ")}`}`}</title>
              <rect width={TILE} height={TILE} rx="9" />
              <text x="6" y="20">
                {sign}
              </text>
            </>
          );
          const seats = places.length > SEATS_MAX ? SEATS_MAX - 2 : places.length;
          return (
            <g key={province.id} transform={`translate(${province.column * STEP} ${province.row * STEP})`} class="tile" data-province={province.id} data-level={places.length === 0 ? 0 : Math.max(1, Math.ceil(ratio(sum, most) * LEVELS))}>
              {places.length === 0 ? (
                tile
              ) : (
                <a
                  href={`#${MAP_LIST}`}
                  aria-label={`${sign} · ${b.mapTile(nameOf(province), count(places.length))}`}
                  onClick={(event) => {
                    event.preventDefault();
                    setOpened(opened === province.id ? undefined : province.id);
                  }}
                >
                  {tile}
                </a>
              )}
              {places.slice(0, seats).map(({ row }, seat) => {
                const [x, y] = seatOf(seat, places.length);
                const radius = places.length > SEATS.length ? RADIUS_MIN : Math.max(RADIUS_MIN, RADIUS_MAX * Math.sqrt(ratio(standing(row), mostOfOne)));
                // For a hand that points; whoever hears the page has the tile's list, and the table.
                return (
                  <circle key={row.key} cx={x} cy={y} r={radius} data-place={row.key} aria-hidden="true" onClick={() => props.onPlace(row)}>
                    <title>{row.key}</title>
                  </circle>
                );
              })}
              {seats < places.length && (
                <text class="tile-more" x="29" y="46" aria-hidden="true">
                  {b.mapMore(count(places.length - seats))}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <div id={MAP_LIST} role="status">
        {open !== undefined && (
          <>
            <b>{b.mapTile(nameOf(open), count(listed.length))}</b>
            <ul class="map-places" data-testid="map-places">
              {listed.map(({ row }) => (
                <li key={row.key}>
                  <a
                    href={`#${encodeURIComponent(rowId("counties", row.key))}`}
                    onClick={(event) => {
                      event.preventDefault();
                      props.onPlace(row);
                    }}
                  >
                    <bdi>{row.key}</bdi>
                  </a>{" "}
                  {money({ minor: standing(row), currency: row.currency })}
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
      <figcaption class="hint">{b.mapHint}</figcaption>
    </figure>
  );
}
