// The REST half of the contract: canonical protobuf JSON in and out, problem details for every refusal.

import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";

import { ProblemSchema, type Problem } from "../gen/apricot/v1/common_pb";
import { token } from "./address";
import { create, fromJson, toJson } from "./messages";
import { Refused, lost } from "./refused";
import { addressOf, type Answers, type Method, type ParamsOf, type PathOf, type QueryOf, type Takes } from "./routes";
import { newId } from "./uuid";

const READ_TIMEOUT_MS = 10_000;

type Writing = Exclude<Method, "get">;
/** What a write carries: a message and the schema it is written by. */
type Carried<B extends DescMessage, P, M extends Method> = { readonly schema: Takes<B, P, M>; readonly message: MessageShape<B> } | undefined;

/** `read("/v1/rooms/{room}/orders", { room }, OrderListSchema, { limit: 100 })` */
export async function read<P extends PathOf<"get">, D extends DescMessage>(
  path: P,
  params: ParamsOf<P>,
  answer: Answers<D, P, "get">,
  query?: QueryOf<P, "get">,
): Promise<MessageShape<D>> {
  return decode<D>(answer, await call("get", addressOf(path, params, query)));
}

/** One write with an idempotency key of its own; when the network is lost it is sent once more under the same key. */
export async function write<M extends Writing, P extends PathOf<M>, B extends DescMessage, D extends DescMessage>(
  method: M,
  path: P,
  params: ParamsOf<P>,
  body: Carried<B, P, M>,
  answer: Answers<D, P, M>,
): Promise<MessageShape<D>> {
  return decode<D>(answer, await send(method, addressOf(path, params), body));
}

/** A write that is answered with 204. */
export async function tell<M extends Writing, P extends PathOf<M>, B extends DescMessage>(
  method: M,
  path: P,
  params: ParamsOf<P>,
  body: Carried<B, P, M>,
): Promise<void> {
  await send(method, addressOf(path, params), body);
}

export async function file<P extends PathOf<"get">>(path: P, params: ParamsOf<P>): Promise<Blob> {
  return (await call("get", addressOf(path, params))).blob();
}

async function send<B extends DescMessage>(
  method: Writing,
  address: string,
  body: { readonly schema: B; readonly message: MessageShape<B> } | undefined,
): Promise<Response> {
  const json = body === undefined ? {} : toJson(body.schema, body.message);
  const key = newId();
  try {
    return await call(method, address, json, key);
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.type !== "lost") throw error;
    return call(method, address, json, key);
  }
}

async function call(method: Method, address: string, body?: JsonValue, key?: string): Promise<Response> {
  const headers = new Headers({ accept: "application/json, application/problem+json, text/csv" });
  const mine = token();
  if (mine !== "") headers.set("authorization", `Bearer ${mine}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  if (key !== undefined) headers.set("idempotency-key", key);
  let response: Response;
  try {
    response = await fetch(address, {
      method: method.toUpperCase(),
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(READ_TIMEOUT_MS),
    });
  } catch {
    throw new Refused(lost());
  }
  if (!response.ok) throw new Refused(await problemOf(response));
  return response;
}

async function decode<D extends DescMessage>(schema: D, response: Response): Promise<MessageShape<D>> {
  try {
    return fromJson(schema, (await response.json()) as JsonValue);
  } catch {
    throw new Refused(create(ProblemSchema, { type: "malformed", status: response.status }));
  }
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return fromJson(ProblemSchema, (await response.json()) as JsonValue);
  } catch {
    // A proxy's page, not ours: keep the status.
    const type = response.status === 404 ? "not-found" : response.status >= 500 ? "busy" : "malformed";
    return create(ProblemSchema, { type, status: response.status });
  }
}
