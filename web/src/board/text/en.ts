// English. The keys come from zh-CN; the type says so.

import type { BoardCatalogue } from "./zh-CN";

export const en: BoardCatalogue = {
  heading: "The board",
  lead: "Each number here is a signed tally in the public log: open it and check it yourself. The command below checks the whole log.",
  given: "Given by the farmers",
  givenHint: (accrued, reversed) => `${accrued} accrued, ${reversed} taken back by refunds`,
  confirmed: "Confirmed",
  remitted: "Transferred to charities",
  orders: "Orders that give",
  paid: "Paid for them",
  matched: "Added by sponsors",
  matchedHint: "others gave that; it is not in the sum above",
  currency: "Currency",
  asOf: (when, size) => `As tallied ${when}; the log has ${size} lines. This page follows by itself, and only forwards.`,

  map: "Where it was sold from",
  mapHint: "One tile for each province, to show where it lies: a scheme, not a map. A tile of stronger colour gives more; circles are counties, larger ones give more. A tile opens the list of its places, a circle leads to its row.",
  mapTile: (province, count) => `${province}: ${count === "1" ? "1 place" : `${count} places`}`,
  mapMore: (count) => `+${count}`,
  mapLabel: (provinces, counties) => `Scheme of origins: ${counties} places in ${provinces} provinces. The table has the same numbers.`,
  elsewhere: "elsewhere",
  elsewhereHint: "Places that name no province are in the table only.",
  counties: "Place by place",
  county: "Place",

  days: "Day by day",
  daysUnit: (currency) => `in ${currency}, by days in China`,
  daysAccrued: "Accrued that day",
  daysStanding: "Given in all",
  daysOf: (name) => `Day by day: ${name}`,
  daysOfAll: "Show everything again",
  day: "Day",
  asTable: "As a table",
  chartFailed: "The chart was not drawn; the table has the same numbers.",

  produce: "What was sold",
  produceName: "Produce",
  projects: "Where it goes",
  project: "Project",
  givenShort: "Given",
  ordersShort: "Orders",
  leaf: "Log",
  none: "Nothing yet",

  audit: "Check the whole log",
  auditHint: "This command downloads the log and computes every line anew: whether each tally adds up, and whether the site shows of each pledge what the log says. One cent of difference, and it says so.",
  auditCopy: "Copy the command",
  auditCopied: "Copied.",
  print: "Print this page",

  empty: "The log has no tally yet",
  emptyHint: "Within a minute of the first order that gives, numbers come here.",
  failed: "The board did not open",
  failedHint: "The network may be weak. Every cent is on the books; this page tries again by itself.",
  stale: (when) => `The network is weak; these are the numbers of ${when}.`,
};
