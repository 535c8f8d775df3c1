// 账本里的规则和科目。规则与 `apricot check` 同名，说法与它的一句话相同。

export const lightRules: Record<string, string> = {
  record_is_whole: "账本的键和引用都完好。",
  not_oversold: "每一批都是：卖出的加留着的，不多于备货。",
  lot_counts_its_holds: "每一批的“留”和“卖”，就是它开着的和已付的留货之和。",
  leftovers_returned: "闪购进行时，批次占着全部备货；结束后只占着留出和卖出的。",
  hold_ends_once: "订单待付款时正好有一份开着的留货，付了款就正好有一份已付的。",
  nobody_waits_in_vain: "结束了的闪购，没有人还在排队。",
  hold_matches_order: "留货的数量和闪购，与它的订单一样。",
  references_hold: "每份留货都有订单和批次，每笔流水都有科目。",
  limit_kept: "一个买家在一场闪购里排的、留的、付的，加起来不超过限购；过了时间的留货不算。",
  trial_balance_zero: "每种货币的借方都等于贷方。",
  totals_are_the_transfers: "每个科目的缓存余额，等于它的流水之和。",
  counter_is_the_ledger: "直播间里公布的公益数，等于账本的流水之和。",
  pledge_sums_are_the_transfers: "每个约定的已累计和待拨付，等于它的流水之和。",
  caps_kept: "有上限的约定，累计不超过各版本里最高的上限。",
  paid_order_posted_once: "付清的订单有一笔全价的销售分录和一笔佣金分录；没付的没有。",
  posting_has_its_order: "除了拨付，每笔分录都属于一张记着的订单，或一次点赞释放。",
  order_charity_is_posted: "订单的公益份额，等于为它累计的减去冲回的。",
  refunds_are_posted: "订单说退了多少，退款分录和退款记录之和就是多少。",
  refund_paid_back_once: "办完的退款只退回一次；没办完的还没有退。",
  one_payment_each: "付清的订单正好有一笔收下的付款；没付的没有。",
  late_payment_goes_back: "来得太晚的付款，收下时有一笔全额的分录。",
  provider_is_asked: "支付方还没回的都在待办里，别的都不在。",
  remittances_are_posted: "拨付记录就是拨付分录；拨出的不超过确认的。",
  remittances_have_two_people: "拨付和等待银行的款项，批准的人不是提出的人。",
  pools_spent_what_they_matched: "配捐池各时段用掉的，按项目、按买家和日子算也一样，等于配出的减去收回的，不超过预算。",
  matches_are_posted: "配出的和收回的都有分录。",
  stock_not_negative: "没有一样商品的库存小于零。",
  lines_are_in_the_log: "每一笔公益流水和每一份承诺，都在公开日志里，或在等候写入，不重不漏。",
  log_is_the_record: "照账重做一遍公开日志，每一条和签名的根都一样。",
  log_is_whole: "公开日志的条目一条接一条，数目与最新签名的检查点一致。",
  pledges_kept: "每笔累计都是约定说的份额，也在约定的期限里。",
};

/** 科目名的第一段；后一段是谁的。 */
export const accountKinds: Record<string, string> = {
  buyer_clearing: "买家付来的",
  host_payable: "应付农户",
  platform_commission: "平台佣金",
  provider_fee: "支付手续费",
  charity_accrued: "公益：已累计",
  charity_payable: "公益：待拨付",
  charity_remitted: "公益：已拨付",
  refund_payable: "应退买家",
  sponsor_pool: "配捐池",
  charity_matched: "公益：配捐",
};

export const accountOwners: Record<string, string> = {
  sandbox: "支付沙盒",
};
