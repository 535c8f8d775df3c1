// Rules and accounts of the record, named as `apricot check` and the ledger name them.

export const lightRules: Record<string, string> = {
  record_is_whole: "Keys and references of the record are intact.",
  not_oversold: "Of every lot, what is sold and what is held is no more than its stock.",
  lot_counts_its_holds: "A lot’s held and sold are the sums of its open and its claimed holds.",
  leftovers_returned: "A lot keeps its whole stock while its sale runs, and only what is held or sold after it closed.",
  hold_ends_once: "An order has one open hold exactly while it is held, and one claimed hold exactly when it was paid.",
  nobody_waits_in_vain: "A closed sale has nobody on its waiting list.",
  hold_matches_order: "A hold has the quantity and the sale of its order.",
  references_hold: "Every hold has its order and its lot, every transfer its accounts.",
  limit_kept: "What a buyer has waiting, held or paid in one sale is within its limit; holds past their time do not count.",
  trial_balance_zero: "Debits equal credits in every currency.",
  totals_are_the_transfers: "The cached total of every account and code is the sum of its transfers.",
  counter_is_the_ledger: "The charity totals that rooms are told are the sums of the ledger’s transfers.",
  pledge_sums_are_the_transfers: "What stands accrued under a pledge and what of it is payable are the sums of its transfers.",
  caps_kept: "What stands accrued under a capped pledge is within its cap, the highest of its versions.",
  paid_order_posted_once: "A paid order has one sale posting over its whole price and one commission posting; an unpaid one has none.",
  posting_has_its_order: "Every posting but a remittance belongs to a recorded order, or to a release of hearts.",
  order_charity_is_posted: "An order’s charity share is what was accrued for it less what was reversed.",
  refunds_are_posted: "What an order says was refunded is the sum of its refund postings and of its recorded refunds.",
  refund_paid_back_once: "A refund that is done was paid back once, one that is not done was not.",
  one_payment_each: "A paid order has exactly one payment that was taken; an unpaid one has none.",
  late_payment_goes_back: "A payment that came too late has one posting for its taking, over its whole amount.",
  provider_is_asked: "What the provider has not answered yet is in the outbox, and nothing else is.",
  remittances_are_posted: "Remittances are the remit postings, and no pledge remitted more than was confirmed.",
  remittances_have_two_people: "What was remitted, or waits for the bank, was approved by somebody else than who proposed it.",
  pools_spent_what_they_matched: "What a pool’s slots have spent, by project and by buyer and day too, is what was matched less taken back, within the budgets.",
  matches_are_posted: "What was matched and what was taken back of it are postings.",
  stock_not_negative: "No product has fewer than zero units on hand.",
  lines_are_in_the_log: "Every line of a charity’s money and every pledge is in the public log or waits for it, once.",
  log_is_the_record: "Made again from the record, every leaf of the public log and its signed root are the same.",
  log_is_whole: "The public log has its leaves one after another, as many as its newest checkpoint covers.",
  pledges_kept: "Every accrual is the share its pledge names, within the pledge’s time.",
};

/** By the first part of an account’s name; the second says whose it is. */
export const accountKinds: Record<string, string> = {
  buyer_clearing: "Paid by buyers",
  host_payable: "Payable to the farmer",
  platform_commission: "Platform commission",
  provider_fee: "Payment fee",
  charity_accrued: "Charity: accrued",
  charity_payable: "Charity: payable",
  charity_remitted: "Charity: remitted",
  refund_payable: "Payable back to buyers",
  sponsor_pool: "Sponsor’s pool",
  charity_matched: "Charity: added by sponsors",
};

export const accountOwners: Record<string, string> = {
  sandbox: "payment sandbox",
};
