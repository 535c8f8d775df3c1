// The provinces of China on a grid of tiles, and which of them a place is in. A scheme of our own, drawn from where each lies to its neighbours.

export interface Province {
  /** ISO 3166-2:CN, without "CN-". */
  readonly id: string;
  /** One character, as on number plates. */
  readonly sign: string;
  readonly zh: string;
  readonly en: string;
  readonly column: number;
  readonly row: number;
  /** What else it is called in English. */
  readonly also?: string;
}

export const COLUMNS = 9;
export const ROWS = 8;

const at = (id: string, sign: string, zh: string, en: string, column: number, row: number, also?: string): Province => ({ id, sign, zh, en, column, row, ...(also === undefined ? {} : { also }) });

export const PROVINCES: readonly Province[] = [
  at("HL", "黑", "黑龙江", "Heilongjiang", 8, 0),
  at("XJ", "新", "新疆", "Xinjiang", 0, 1),
  at("GS", "甘", "甘肃", "Gansu", 1, 1),
  at("NX", "宁", "宁夏", "Ningxia", 2, 1),
  at("NM", "蒙", "内蒙古", "Inner Mongolia", 4, 1, "Nei Mongol"),
  at("BJ", "京", "北京", "Beijing", 5, 1),
  at("LN", "辽", "辽宁", "Liaoning", 7, 1),
  at("JL", "吉", "吉林", "Jilin", 8, 1),
  at("XZ", "藏", "西藏", "Tibet", 0, 2, "Xizang"),
  at("QH", "青", "青海", "Qinghai", 1, 2),
  at("SN", "陕", "陕西", "Shaanxi", 3, 2),
  at("SX", "晋", "山西", "Shanxi", 4, 2),
  at("HE", "冀", "河北", "Hebei", 5, 2),
  at("TJ", "津", "天津", "Tianjin", 6, 2),
  at("SC", "川", "四川", "Sichuan", 2, 3),
  at("CQ", "渝", "重庆", "Chongqing", 3, 3),
  at("HA", "豫", "河南", "Henan", 4, 3),
  at("SD", "鲁", "山东", "Shandong", 5, 3),
  at("JS", "苏", "江苏", "Jiangsu", 6, 3),
  at("YN", "滇", "云南", "Yunnan", 2, 4),
  at("GZ", "黔", "贵州", "Guizhou", 3, 4),
  at("HB", "鄂", "湖北", "Hubei", 4, 4),
  at("AH", "皖", "安徽", "Anhui", 5, 4),
  at("SH", "沪", "上海", "Shanghai", 6, 4),
  at("GX", "桂", "广西", "Guangxi", 3, 5),
  at("HN", "湘", "湖南", "Hunan", 4, 5),
  at("JX", "赣", "江西", "Jiangxi", 5, 5),
  at("ZJ", "浙", "浙江", "Zhejiang", 6, 5),
  at("GD", "粤", "广东", "Guangdong", 4, 6),
  at("FJ", "闽", "福建", "Fujian", 5, 6),
  at("TW", "台", "台湾", "Taiwan", 7, 6),
  at("HI", "琼", "海南", "Hainan", 3, 7),
  at("MO", "澳", "澳门", "Macao", 4, 7, "Macau"),
  at("HK", "港", "香港", "Hong Kong", 5, 7),
];

/** Prefectures that begin with another province's name. Both are in Qinghai. */
const MISLEADING = /^(?:海南(?:藏族|州)|河南蒙古族)/;

/** The province that a place names: first in Chinese ("新疆 轮台", "陕西洛川"), anywhere and rather last in English ("Luntai, Xinjiang"). */
export function provinceOf(place: string): Province | undefined {
  for (const word of place.split(/[\s,，、·/|]+/)) {
    const named = word.replace(/^中国/, "");
    if (MISLEADING.test(named)) return PROVINCES.find(({ id }) => id === "QH");
    const found = PROVINCES.find(({ zh }) => named.startsWith(zh));
    if (found !== undefined) return found;
  }
  let last: Province | undefined;
  let lastAt = -1;
  for (const province of PROVINCES) {
    for (const name of [province.en, province.also]) {
      const foundAt = name === undefined ? -1 : lastWord(place, name);
      if (foundAt > lastAt) [last, lastAt] = [province, foundAt];
    }
  }
  return last;
}

/** Where a name stands last as whole words, or -1. */
function lastWord(text: string, name: string): number {
  const found = [...text.matchAll(new RegExp(`\\b${name}\\b`, "gi"))];
  return found.at(-1)?.index ?? -1;
}
