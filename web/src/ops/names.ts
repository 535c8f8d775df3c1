// From the names of the wire to the words of the page. What a newer server says stands there as it came.

import type { AuditLine, Light, OpsAlert } from "../gen/apricot/v1/ops_pb";
import { PaymentState } from "../gen/apricot/v1/sale_pb";
import type { RoomStateName } from "../parts/names";
import type { Words } from "../text";
import type { OpsCatalogue } from "./text/zh-CN";

function known<T>(words: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined;
}

export function actionName(o: OpsCatalogue, action: string): string {
  return known<string>(o.audit.actions, action) ?? action;
}

export function lightName(o: OpsCatalogue, light: Light): string {
  return known<string>(o.lightNames, light.name) ?? light.name.replaceAll("_", " ");
}

/** The rule in a sentence. */
export function lightRule(o: OpsCatalogue, light: Light): string {
  return known<string>(o.lightRules, light.name) ?? light.rule;
}

/** "host_payable/lin": what kind of account, and whose. */
export function accountName(o: OpsCatalogue, name: string): { readonly kind: string; readonly owner: string } {
  const [kind = "", ...rest] = name.split("/");
  const owner = rest.join("/");
  return { kind: known<string>(o.accountKinds, kind) ?? kind, owner: known<string>(o.accountOwners, owner) ?? owner };
}

const STATES: Readonly<Record<string, RoomStateName>> = { Scheduled: "scheduled", Rehearsal: "rehearsal", Live: "live", Paused: "paused", Ended: "ended" };

/** "valley Live", where a room's state was changed: the state in words. */
export function auditSubject({ t }: Words, line: AuditLine): string {
  const [, room, last = ""] = /^(\S+) (\S+)$/.exec(line.subject) ?? [];
  const state = line.action === "change-state" ? known(STATES, last) : undefined;
  return state === undefined ? line.subject : `${room} → ${t.room.state[state]}`;
}

const TURNED = /delay (\d+) ms, twice (\d+) ppm, out of turn (\d+) ppm, lost (\d+) ppm, slow (\d+) ms/;

/** Reasons are people's own words; what the server adds of the sandbox's knobs is put into the reader's. */
export function auditReason(o: OpsCatalogue, { percent, count }: Words, line: AuditLine): string {
  if (line.action !== "turn-knobs") return line.reason;
  return line.reason.replace(TURNED, (_, ...numbers: string[]) => {
    const [delay = 0, duplicate = 0, reorder = 0, lost = 0, slow = 0] = numbers.slice(0, 5).map(Number);
    return o.knobs.turned(count(delay), count(slow), percent(duplicate), percent(reorder), percent(lost));
  });
}

/** What an alert is about: a rule has its name here, everything else its own. */
export function alertAbout(o: OpsCatalogue, alert: OpsAlert): string {
  return (alert.kind === "rule-broken" ? known<string>(o.lightNames, alert.about) : undefined) ?? alert.about;
}

export interface AlertWords {
  readonly name: string;
  /** Empty: nobody has written it yet. */
  readonly does: string;
  readonly unit: string;
}

export function alertWords(o: OpsCatalogue, alert: OpsAlert): AlertWords {
  return known<AlertWords>(o.alertKinds, alert.kind) ?? { name: alert.kind, does: "", unit: "" };
}

const PAYMENT: Record<PaymentState, keyof OpsCatalogue["paymentStates"]> = {
  [PaymentState.UNSPECIFIED]: "unspecified",
  [PaymentState.AUTHORISING]: "authorising",
  [PaymentState.DECLINED]: "declined",
  [PaymentState.AUTHORISED]: "authorised",
  [PaymentState.CAPTURED]: "captured",
  [PaymentState.REFUNDING]: "refunding",
  [PaymentState.REFUNDED]: "refunded",
};

export const paymentStateName = (state: PaymentState): keyof OpsCatalogue["paymentStates"] => PAYMENT[state] ?? "unspecified";
