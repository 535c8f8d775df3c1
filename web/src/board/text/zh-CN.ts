// 中文。其他语言的词条以这里为准。

export const zhCN = {
  heading: "数据看板",
  lead: "这里的每个数字都是公开账本里签过名的一条合计，点开就能自己验证；整本账用下面的命令核对。",
  given: "农户一共捐出",
  givenHint: (accrued: string, reversed: string) => `计提 ${accrued}，随退款冲回 ${reversed}`,
  confirmed: "已确认",
  remitted: "已汇给公益机构",
  orders: "有捐赠的订单",
  paid: "这些订单付款",
  matched: "配捐方另加",
  matchedHint: "别人加的，不在上面的数里",
  currency: "货币",
  asOf: (when: string, size: string) => `${when} 的合计，账本共 ${size} 条。本页自动更新，只会向前。`,

  map: "从哪里卖出来",
  mapHint: "一格一个省级行政区，只示意位置，不是地图。格子颜色越浓，那里捐出的越多；圆是县，越大越多。点格子列出那里的产地，点圆到它那一行。",
  mapTile: (province: string, count: string) => `${province}：${count} 个产地`,
  mapMore: (count: string) => `+${count}`,
  mapLabel: (provinces: string, counties: string) => `产地示意图：${counties} 个产地，分布在 ${provinces} 个省级行政区；表里是同样的数字。`,
  elsewhere: "别处",
  elsewhereHint: "产地没有写明省份的，只在表里。",
  counties: "每个产地",
  county: "产地",

  days: "一天一天",
  daysUnit: (currency: string) => `单位 ${currency}，按北京时间分日`,
  daysAccrued: "当天计提",
  daysStanding: "一共捐出",
  daysOf: (name: string) => `一天一天：${name}`,
  daysOfAll: "看全部",
  day: "日期",
  asTable: "看表格",
  chartFailed: "图没有画出来，表格里的数字是一样的。",

  produce: "卖的是什么",
  produceName: "产品",
  projects: "给了哪些项目",
  project: "项目",
  givenShort: "捐出",
  ordersShort: "订单",
  leaf: "账本",
  none: "还没有",

  audit: "自己核对整本账",
  auditHint: "这条命令下载整本账，逐条重算：每条合计对不对，网站给每个承诺显示的数对不对。有一分不同就会说出来。",
  auditCopy: "复制命令",
  auditCopied: "复制好了。",
  print: "打印这一页",

  empty: "账本里还没有合计",
  emptyHint: "卖出第一笔有捐赠的订单后，一分钟之内这里就有数字。",
  failed: "看板没有打开",
  failedHint: "网络可能不好。账本里一分不少，本页会自己再试。",
  stale: (when: string) => `网络不好，以下是 ${when} 的数字。`,
};

export type BoardCatalogue = typeof zhCN;
