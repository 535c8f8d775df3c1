// Routes that a page is written for before docs/openapi.json has them. A route that is there is taken out of here; an empty list is the usual state.

/** `unknown` lets any message be sent or read. */
interface Operation {
  readonly parameters: { readonly query?: Readonly<Record<string, string | number | boolean | undefined>> };
  readonly takes: unknown;
  readonly answers: unknown;
}

type Get = { readonly get: Operation };
type Post = { readonly post: Operation };

export interface Coming {
  "/v1/rooms": Get & Post;
  "/v1/rooms/{room}": Get & { readonly put: Operation };
  "/v1/rooms/{room}/run-sheet": { readonly put: Operation };
  "/v1/rooms/{room}/invitations": Post;
  "/v1/rooms/{room}/moderators/{subject}": { readonly delete: Operation };
  "/v1/rooms/{room}/figures": Get;
  "/v1/rooms/{room}/orders.csv": Get;
  "/v1/rooms/{room}/settlement.csv": Get;
  "/v1/rooms/{room}/charity.csv": Get;
  "/v1/sales/{sale}/stock": Post;
  "/v1/pledges": Get & Post;
}
