// How the sandbox's provider behaves. Only where payments are a sandbox; a real provider has no knobs, and then this is not here.

import { useEffect, useState } from "preact/hooks";

import type { SandboxKnobs } from "../gen/apricot/v1/api_pb";
import { Refused } from "../wire/refused";
import { useActing } from "./Acting";
import { putKnobs, readKnobs } from "./record";
import { opsText } from "./text";

const FIELDS = [
  { name: "delayMs", most: 600_000, step: 100, scale: 1 },
  { name: "slowMs", most: 600_000, step: 1_000, scale: 1 },
  { name: "duplicatePpm", most: 100, step: 1, scale: 10_000 },
  { name: "reorderPpm", most: 100, step: 1, scale: 10_000 },
  { name: "lostPpm", most: 100, step: 1, scale: 10_000 },
] as const;
type Field = (typeof FIELDS)[number]["name"];

export function Knobs() {
  const o = opsText.use();
  const { ask } = useActing();
  const [knobs, setKnobs] = useState<SandboxKnobs>();
  const [wish, setWish] = useState<Partial<Record<Field, number>>>({});
  useEffect(() => {
    readKnobs().then(setKnobs, (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
    });
  }, []);
  if (knobs === undefined) return null;
  const changed = FIELDS.filter(({ name }) => wish[name] !== undefined && wish[name] !== knobs[name]);
  const set = (): void =>
    ask({
      title: o.knobs.title,
      happens: changed.map(({ name, scale }) => o.knobs.change(o.knobs.names[name], String(knobs[name] / scale), String((wish[name] ?? 0) / scale))),
      yes: o.knobs.yes,
      grave: false,
      act: async (reason) => {
        setKnobs(await putKnobs({ ...Object.fromEntries(FIELDS.map(({ name }) => [name, wish[name] ?? knobs[name]])), reason }));
        setWish({});
      },
      leaves: "turn-knobs",
    });
  return (
    <section class="block" aria-labelledby="knobs-heading">
      <header class="block-head">
        <h2 id="knobs-heading">{o.knobs.heading}</h2>
        <p class="hint">{o.knobs.hint}</p>
      </header>
      <form
        class="knobs"
        onSubmit={(event) => {
          event.preventDefault();
          if (changed.length > 0) set();
        }}
      >
        {FIELDS.map(({ name, most, step, scale }) => (
          <label key={name} class="field">
            <span>{o.knobs.names[name]}</span>
            <input
              type="number"
              min={0}
              max={most}
              step={step}
              data-testid={`knob-${name}`}
              value={(wish[name] ?? knobs[name]) / scale}
              onInput={(event) => setWish({ ...wish, [name]: Math.round(Number(event.currentTarget.value) * scale) })}
            />
          </label>
        ))}
        <button type="submit" class="quiet" disabled={changed.length === 0}>
          {o.knobs.set}
        </button>
      </form>
    </section>
  );
}
