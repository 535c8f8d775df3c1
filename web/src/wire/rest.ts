// The REST half of the contract: canonical protobuf JSON in and out, problem details for every refusal.

import { create, fromJson, toJson, type DescMessage, type JsonValue, type MessageShape } from "@bufbuild/protobuf";

import { ProblemSchema, type Problem } from "../gen/apricot/v1/common_pb";
import { token } from "./address";
import { Refused, lost } from "./refused";
import { newId } from "./uuid";

const READ_TIMEOUT_MS = 10_000;
const READING = { ignoreUnknownFields: true } as const;

export async function read<D extends DescMessage>(path: string, answer: D): Promise<MessageShape<D>> {
  return decode(answer, await call("GET", path, undefined));
}

/** One write with an idempotency key of its own; when the network is lost it is sent once more under the same key. */
export async function write<B extends DescMessage, A extends DescMessage>(
  method: "POST" | "PUT" | "DELETE",
  path: string,
  body: { schema: B; message: MessageShape<B> } | undefined,
  answer: A,
): Promise<MessageShape<A>> {
  const json = body === undefined ? {} : toJson(body.schema, body.message);
  const key = newId();
  try {
    return decode(answer, await call(method, path, json, key));
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.type !== "lost") throw error;
    return decode(answer, await call(method, path, json, key));
  }
}

export async function file(path: string): Promise<Blob> {
  return (await call("GET", path, undefined)).blob();
}

async function call(method: string, path: string, body: JsonValue | undefined, key?: string): Promise<Response> {
  const headers = new Headers({ accept: "application/json, application/problem+json, text/csv" });
  const mine = token();
  if (mine !== "") headers.set("authorization", `Bearer ${mine}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  if (key !== undefined) headers.set("idempotency-key", key);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
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
    return fromJson(schema, (await response.json()) as JsonValue, READING);
  } catch {
    throw new Refused(create(ProblemSchema, { type: "malformed", status: response.status }));
  }
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return fromJson(ProblemSchema, (await response.json()) as JsonValue, READING);
  } catch {
    // A proxy's page, not ours: keep the status.
    const type = response.status === 404 ? "not-found" : response.status >= 500 ? "busy" : "malformed";
    return create(ProblemSchema, { type, status: response.status });
  }
}
