// English. The keys come from zh-CN; the type says so.

import type { OpsCatalogue } from "./zh-CN";

export const en: OpsCatalogue = {
  heading: "Overview",
  token: "This page needs an ops link (#token=…).",
  room: "Room",
  state: "State",
  viewers: "Watching",
  stock: "Left / held / sold",
  waiting: "In line",
  paid: "Paid",
  gmv: "GMV",
  toPack: "To pack",
  oversold: "Nothing oversold",
  balance: (currency) => `Ledger balances (${currency})`,
  reading: "Readings are fresh",
  readingLate: (seconds) => `No reading for ${seconds} s`,
  good: "good",
  bad: "broken",
  empty: "No rooms right now.",
  ledger: "Ledger",
  account: "Account",
  debits: "Debits",
  credits: "Credits",
  balanceOf: "Balance",
  version: (version) => `Version ${version}`,
};
