// From the names of the wire to the words of the page. What a newer server says stands there as it came.

import type { Light, OpsAlert } from "../gen/apricot/v1/ops_pb";
import { PaymentState } from "../gen/apricot/v1/sale_pb";
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
