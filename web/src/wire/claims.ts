// What the token says about who holds it. It decides only what a page offers: the server checks the signature and every right.

export interface Claims {
  readonly subject: string;
  readonly name: string;
  readonly role: string;
  /** Good for this room only; empty: for all. */
  readonly room: string;
  /** A commissioner's. */
  readonly county: string;
}

export const NOBODY: Claims = { subject: "", name: "", role: "", room: "", county: "" };

export function claimsOf(token: string): Claims {
  const body = token.split(".")[1];
  if (body === undefined) return NOBODY;
  try {
    const bytes = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    const said: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return { subject: text(said, "sub"), name: text(said, "name"), role: text(said, "role"), room: text(said, "room"), county: text(said, "county") };
  } catch {
    // Not a JWT: the server will say so.
    return NOBODY;
  }
}

function text(said: unknown, key: string): string {
  if (typeof said !== "object" || said === null) return "";
  const value: unknown = (said as Record<string, unknown>)[key];
  return typeof value === "string" ? value : "";
}
