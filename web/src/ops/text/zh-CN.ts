// 简体中文。键由这里定下，英文照着写（类型会检查）。

export const zhCN = {
  heading: "总览",
  token: "打开这页需要值班链接（#token=…）。",
  room: "直播间",
  state: "状态",
  viewers: "在看",
  stock: "剩 / 留 / 卖",
  waiting: "排队",
  paid: "已付",
  gmv: "成交额",
  toPack: "待装箱",
  oversold: "没有超卖",
  balance: (currency: string) => `账平（${currency}）`,
  reading: "数据在更新",
  readingLate: (seconds: string) => `${seconds} 秒没有新数据`,
  good: "正常",
  bad: "异常",
  empty: "现在没有直播间。",
  ledger: "总账",
  account: "科目",
  debits: "借方",
  credits: "贷方",
  balanceOf: "余额",
  version: (version: string) => `版本 ${version}`,
};

export type OpsCatalogue = typeof zhCN;
