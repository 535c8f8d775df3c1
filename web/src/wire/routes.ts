// Which paths there are, what they take and what they answer: read off the OpenAPI document, so that a wrong path doesn't compile.

import type { DescMessage, MessageJsonType } from "@bufbuild/protobuf";

import type { paths } from "../gen/openapi";

export type Method = "get" | "post" | "put" | "delete";

/** The paths that have this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never;
}[keyof paths] &
  (`/v1/${string}` | `/sandbox/${string}`);

type Operation<P, M extends Method> = P extends keyof paths ? (paths[P] extends { [K in M]: infer O } ? O : never) : never;

type NamesIn<P> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

/** One text for each {name} of the path, escaped when it is sent. */
export type ParamsOf<P> = Readonly<Record<NamesIn<P>, string>>;

type QueryIn<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;

/** What may follow the "?". What is undefined or empty is left out. */
export type QueryOf<P, M extends Method> = Readonly<QueryIn<Operation<P, M>>>;

type Good = 200 | 201 | 202;
type JsonIn<C> = C extends { content: { "application/json": infer J } } ? J : never;
type AnswerOf<O> = O extends { responses: infer R } ? JsonIn<R[keyof R & Good]> : never;
type TakenOf<O> = O extends { requestBody?: infer B } ? JsonIn<NonNullable<B>> : never;

/** Canonical JSON writes doubles that are no numbers as words; the document has no such words, and the server sends none. */
type Finite<J> = J extends number | "NaN" | "Infinity" | "-Infinity" ? Extract<J, number> : J extends readonly (infer I)[] ? Finite<I>[] : J extends object ? { [K in keyof J]: Finite<J[K]> } : J;

/** `unknown` when a generated message is the one that the document names, so that `D & Fits<…>` is `D`; otherwise nothing fits. */
type Fits<D extends DescMessage, J> = unknown extends J
  ? unknown
  : [keyof J, keyof MessageJsonType<D>] extends [keyof MessageJsonType<D>, keyof J]
    ? Finite<MessageJsonType<D>> extends J
      ? unknown
      : never
    : never;

export type Answers<D extends DescMessage, P, M extends Method> = D & Fits<D, AnswerOf<Operation<P, M>>>;
export type Takes<D extends DescMessage, P, M extends Method> = D & Fits<D, TakenOf<Operation<P, M>>>;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The address that a path, its parameters and its query make. */
export function addressOf(path: string, params: Readonly<Record<string, string>>, query: Query = {}): string {
  const full = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, String(value));
  return search.size === 0 ? full : `${full}?${search}`;
}
