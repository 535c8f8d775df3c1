// Sponsors' pools: all of them, those that are on first, and a new one.

import { useEffect } from "preact/hooks";

import "./pools.css";

import { CreatePoolSchema, MatchPoolSchema, PoolListSchema, type MatchPool } from "../../gen/apricot/v1/pool_pb";
import { ProjectPageSchema } from "../../gen/apricot/v1/registry_pb";
import { problemText } from "../../parts/names";
import { Plus } from "../../parts/signs";
import { Skeleton, Still } from "../../parts/Still";
import { useWords } from "../../text";
import { create } from "../../wire/messages";
import { Refused } from "../../wire/refused";
import { read, write } from "../../wire/rest";
import { useActing } from "../Acting";
import { usePaged } from "../paged";
import { emptyPool, readPoolDraft, refusedField } from "./draft";
import { useFreezes } from "./freezes";
import { PoolCard } from "./PoolCard";
import { PoolFields, type PoolForm } from "./PoolFields";
import { frozenIds, inOrder } from "./pools";
import { poolsText } from "./text";

const POOLS_EVERY_MS = 5_000;
/** As many as the server gives at once: the wire's order is that of their numbers, which says nothing. */
const PAGE = 100;

const readPools = async (cursor: string): Promise<{ items: readonly MatchPool[]; next: string }> => {
  const { pools, nextCursor } = await read("/v1/pools", {}, PoolListSchema, { cursor, limit: PAGE });
  return { items: pools, next: nextCursor };
};

export function Pools() {
  const { t } = useWords();
  const p = poolsText.use();
  const { may, ask, done } = useActing();
  const pools = usePaged(readPools, ({ id }) => id, POOLS_EVERY_MS);
  const freezes = useFreezes(frozenIds(pools.items ?? []), done);
  useEffect(() => pools.look(), [done]);
  const make = (): void => {
    const form: PoolForm = { draft: emptyPool(Date.now()), refuse: () => undefined };
    ask({
      title: p.create.title,
      happens: p.create.happens,
      yes: p.create.yes,
      grave: false,
      quiet: true,
      fields: <PoolFields form={form} />,
      wrong: () => {
        const said = readPoolDraft(form.draft, Date.now());
        form.refuse("mistakes" in said ? said.mistakes : new Map());
        return "mistakes" in said ? p.create.failed : undefined;
      },
      act: () => made(form),
      leaves: "create-pool",
    });
  };
  const button = may && (
    <button type="button" class="primary" data-testid="pool-new" onClick={make}>
      <Plus />
      {p.make}
    </button>
  );
  return (
    <section class="block pools" aria-labelledby="pools-heading">
      <header class="block-head">
        <div>
          <h2 id="pools-heading">{p.heading}</h2>
          <p class="hint">{p.lead}</p>
        </div>
        {pools.items?.length !== 0 && button}
      </header>
      {pools.problem !== undefined && (
        <p class="wrong" role="alert">
          {problemText(t, pools.problem)}
          <button type="button" class="plain" onClick={pools.look}>
            {t.tryAgain}
          </button>
        </p>
      )}
      {pools.items === undefined && pools.problem === undefined && <Skeleton lines={8} />}
      {pools.items?.length === 0 && (
        <div data-testid="pools-none">
          <Still title={p.none} hint={p.noneHint}>
            {button}
          </Still>
        </div>
      )}
      {pools.items !== undefined && pools.items.length > 0 && (
        <ul class="pool-list" data-testid="pools">
          {inOrder(pools.items, Date.now()).map((pool) => (
            <PoolCard key={pool.id} pool={pool} freeze={freezes.get(pool.id)} />
          ))}
        </ul>
      )}
      {pools.more !== undefined && (
        <button type="button" class="quiet" onClick={pools.more}>
          {t.more}
        </button>
      )}
    </section>
  );
}

/** A refusal is shown at the field that it names, and goes on to the dialog. */
async function made(form: PoolForm): Promise<MatchPool> {
  const { draft } = form;
  const said = readPoolDraft(draft, Date.now());
  if ("mistakes" in said) throw new Error("the dialog sends only what was read");
  const { project } = said.request.terms ?? {};
  if (project !== undefined && project !== "") await registered(form, project);
  try {
    const message = create(CreatePoolSchema, said.request);
    return await write("post", "/v1/pools", {}, { schema: CreatePoolSchema, message }, MatchPoolSchema);
  } catch (error) {
    if (error instanceof Refused) form.refuse(refusedField(error.problem, draft.rule));
    throw error;
  }
}

/** The server takes any name, and a pool never changes: one of a project that isn't there would match nothing for ever. */
async function registered(form: PoolForm, project: string): Promise<void> {
  try {
    await read("/v1/projects/{project}", { project }, ProjectPageSchema);
  } catch (error) {
    if (error instanceof Refused && ["not-found", "invalid-field"].includes(error.problem.type)) form.refuse(new Map([["project", ""]]));
    throw error;
  }
}
