import { expect, test } from "vitest";

import { base64Of, utf8, type Bytes } from "./bytes";
import { checkReceipt, type Trust, type Verdict } from "./check";
import type { CheckName, Code } from "./findings";
import { parseKeys } from "./note";
import { RECEIPT_BYTES_MAX } from "./receipt";
import { ORDER, TestLog, commitmentOf, line, pledge, receiptOf } from "./testlog";

const [page = ""] = Object.values(import.meta.glob<string>("../../../docs/log.md", { query: "?raw", import: "default", eager: true }));
const DOCUMENTED = /This receipt holds.*?```json\n(.*?)```/s.exec(page)?.[1] ?? "";
const KEY = /the key of its log is\s+```\n(.*?)\n```/s.exec(page)?.[1] ?? "";

const own = async (key: string): Promise<Trust> => ({ keys: await parseKeys(key), source: "own" });
const said = ({ checks }: Verdict): Record<string, string> => Object.fromEntries(checks.map(({ name, outcome, finding }) => [name, `${outcome} ${finding.code}`]));
const bytes = (value: unknown): Bytes => utf8(JSON.stringify(value));

/** What fails, and nothing else does. */
async function expectFailed(receipt: unknown, log: TestLog | string, wanted: Partial<Record<CheckName, Code>>): Promise<void> {
  const verdict = await checkReceipt(receipt instanceof Uint8Array ? receipt as Bytes : bytes(receipt), await own(typeof log === "string" ? log : log.key));
  const failed = Object.fromEntries(verdict.checks.filter(({ outcome }) => outcome === "failed").map(({ name, finding }) => [name, finding.code]));
  expect(failed).toEqual(wanted);
}

test("the receipt of docs/log.md holds, with the key that stands there", async () => {
  const verdict = await checkReceipt(utf8(DOCUMENTED), await own(KEY));
  expect(said(verdict)).toEqual({
    form: "ok receiptRead",
    commitment: "ok commitmentHolds",
    key: "ok keyOwn",
    proofs: "ok proven",
    leaves: "ok linesOfOrder",
    share: "ok shareHolds",
    totals: "ok totalsHold",
    refunds: "ok noRefund",
  });
  expect(verdict.trees.map(({ size, root }) => [size, base64Of(root)])).toEqual([[3, "AxCyDv4y/IfcMTvJOKXJE6rEKVbXNBFtWrMcaIuqaIo="]]);
});

test("the receipt's own key is a reminder only", async () => {
  const verdict = await checkReceipt(utf8(DOCUMENTED), undefined);
  expect(said(verdict)).toMatchObject({ key: "open keyReceipt", proofs: "ok proven" });
});

test("a receipt of the documented log, tampered with in each way", async () => {
  const receipt = () => JSON.parse(DOCUMENTED);
  const changed = receipt();
  changed.entries[1].leaf = changed.entries[1].leaf.replace("Aksu", "Urumqi");
  await expectFailed(changed, KEY, { proofs: "notIncluded" });
  const total = receipt();
  total.charity.minor = "200";
  await expectFailed(total, KEY, { totals: "totalDiffers" });
  const quantity = { ...receipt(), quantity: 3 };
  await expectFailed(quantity, KEY, { totals: "quantityDiffers" });
  const euros = receipt();
  euros.paid.currency = "EUR";
  await expectFailed(euros, KEY, { totals: "currencyDiffers" });
  const salt = { ...receipt(), salt: "00".repeat(32) };
  await expectFailed(salt, KEY, { commitment: "commitmentOther" });
  const gone = receipt();
  gone.entries.splice(1, 1);
  await expectFailed(gone, KEY, { totals: "totalDiffers" });
  const swapped = receipt();
  swapped.entries[1].proof = swapped.entries[0].proof;
  await expectFailed(swapped, KEY, { proofs: "proofOfOther" });
  const spaced = receipt();
  spaced.entries[1].leaf = spaced.entries[1].leaf.replace(",", ", ");
  await expectFailed(spaced, KEY, { proofs: "notIncluded", leaves: "notCanonical" });
});

test("a checkpoint that was altered, and one that another key signed", async () => {
  const altered = DOCUMENTED.replaceAll("AxCyDv4y/IfcMTvJOKXJE6rEKVbXNBFtWrMcaIuqaIo=", "AxCyDv4y/IfcMTvJOKXJE6rEKVbXNBFtWrMcaIuqaIp=");
  await expectFailed(utf8(altered), KEY, { proofs: "proofForm" });
  const rerooted = DOCUMENTED.replaceAll("AxCyDv4y/IfcMTvJOKXJE6rEKVbXNBFtWrMcaIuqaIo=", base64Of(new Uint8Array(32)));
  await expectFailed(utf8(rerooted), KEY, { proofs: "wrongSignature" });
  const other = await TestLog.open();
  await expectFailed(utf8(DOCUMENTED), other, { proofs: "notSigned" });
  await expectFailed(utf8(DOCUMENTED), await TestLog.open("elsewhere.example/log"), { proofs: "otherLog" });
});

test("keys that are none are told from wrong ones", async () => {
  await expect(parseKeys(KEY.replace("3ac42e07", "3ac42e08"))).rejects.toMatchObject({ finding: { code: "keyForm", line: 1 } });
  await expect(parseKeys(`# mine\n\n${KEY}\nnonsense`)).rejects.toMatchObject({ finding: { code: "keyForm", line: 4 } });
  const weak = base64Of(Uint8Array.of(1, 1, ...new Uint8Array(31)));
  await expect(parseKeys(`a+00000000+${weak}`)).rejects.toMatchObject({ finding: { detail: "weak point" } });
  await expect(parseKeys("#".repeat(70_000))).rejects.toMatchObject({ finding: { code: "tooLong" } });
});

/** A log with a pledge and the lines of an order, as `receiptOf` wants it. */
async function bought(...lines: string[]): Promise<TestLog> {
  const log = await TestLog.open();
  log.leaves.push("before", pledge(), ...lines, "after");
  return log;
}

test("a signature of an unknown key says nothing; without one of a known key there is none", async () => {
  const log = await bought(line("accrual", 1, await commitmentOf(), {}));
  const stranger = await TestLog.open();
  const receipt = await receiptOf(log, [1, 2]);
  const entries = receipt.entries as { proof: string }[];
  for (const entry of entries) {
    const text = entry.proof.slice(entry.proof.indexOf("\n\n") + 2).split("\n\n")[0];
    entry.proof += await stranger.sign(`${text}\nsomething else`);
  }
  const verdict = await checkReceipt(bytes(receipt), await own(log.key));
  expect(said(verdict)).toMatchObject({ proofs: "ok proven", totals: "ok totalsHold" });
  // Of a known key, a wrong one makes the whole note worthless.
  await expectFailed(receipt, `${log.key}\n${stranger.key}`, { proofs: "wrongSignature" });
});

test("two trees of one size are a fork, though both are signed", async () => {
  const log = await bought(line("accrual", 1, await commitmentOf(), {}));
  const receipt = await receiptOf(log, [1, 2]);
  log.leaves[0] = "another past";
  const entries = receipt.entries as { proof: string }[];
  const [, second] = entries;
  if (second !== undefined) second.proof = await log.proof(2);
  await expectFailed(receipt, log, { history: "forked" });
});

test("a proof of another order, and lines that are there twice or turned around", async () => {
  const other = await commitmentOf(ORDER.replace("1", "2"));
  const log = await bought(line("accrual", 1, await commitmentOf(), {}), line("accrual", 2, other, {}), line("accrual", 1, await commitmentOf(), {}));
  await expectFailed(await receiptOf(log, [1, 3]), log, { leaves: "otherOrder" });
  await expectFailed(await receiptOf(log, [1, 2, 4]), log, { leaves: "lineTwice" });
  await expectFailed(await receiptOf(log, [1, 4, 2]), log, { leaves: "outOfOrder" });
  await expectFailed(await receiptOf(log, [2]), log, { leaves: "noPledgeFirst" });
});

test("an accrual that is not the share, and one that is after the end", async () => {
  const order = await commitmentOf();
  const less = await bought(line("accrual", 1, order, { amount: 99 }));
  await expectFailed(await receiptOf(less, [1, 2], { charity: { minor: "99", currency: "CNY" } }), less, { share: "wrongShare" });
  const late = await TestLog.open();
  late.leaves.push(pledge({ endsAt: 2001 }), line("accrual", 1, order, {}));
  await expectFailed(await receiptOf(late, [0, 1]), late, { share: "outOfTime" });
});

test("refunds end at the same fen, whatever the pieces; less or more is told", async () => {
  const order = await commitmentOf();
  const log = await bought(
    line("accrual", 1, order, {}),
    line("reversal", 2, order, { kept: 2980, amount: 26 }),
    line("confirmation", 3, order, { amount: 74 }),
    line("reversal", 4, order, { kept: 1990, amount: 24, confirmed: true }),
  );
  const refunded = { refunded: { minor: "1990", currency: "CNY" }, charity: { minor: "50", currency: "CNY" } };
  const verdict = await checkReceipt(bytes(await receiptOf(log, [1, 2, 3, 4, 5], refunded)), await own(log.key));
  expect(said(verdict)).toMatchObject({ share: "ok shareHolds", totals: "ok totalsHold", refunds: "ok refundHolds" });
  expect(verdict.gift?.confirmed()).toBe(50n);

  const little = await bought(line("accrual", 1, order, {}), line("reversal", 2, order, { amount: 49 }));
  await expectFailed(await receiptOf(little, [1, 2, 3], { ...refunded, charity: { minor: "51", currency: "CNY" } }), little, { refunds: "reversedTooLittle" });
  const much = await bought(line("accrual", 1, order, {}), line("reversal", 2, order, { amount: 51 }));
  await expectFailed(await receiptOf(much, [1, 2, 3], { ...refunded, charity: { minor: "49", currency: "CNY" } }), much, { refunds: "reversedTooMuch" });
  const untold = await bought(line("accrual", 1, order, {}));
  await expectFailed(await receiptOf(untold, [1, 2], { refunded: { minor: "1990", currency: "CNY" } }), untold, { refunds: "reversedTooLittle" });
});

test("lines that wait leave the sums open", async () => {
  const log = await bought(line("accrual", 1, await commitmentOf(), {}));
  const verdict = await checkReceipt(bytes(await receiptOf(log, [1, 2], { waiting: 1, charity: { minor: "50", currency: "CNY" } })), await own(log.key));
  expect(said(verdict)).toMatchObject({ proofs: "ok proven", totals: "open waiting" });
});

test("what is no receipt is refused before anything is read of it", async () => {
  const form = async (receipt: Bytes, code: Code): Promise<void> => {
    const verdict = await checkReceipt(receipt, undefined);
    expect(said(verdict)).toEqual({ form: `failed ${code}` });
  };
  await form(new Uint8Array(RECEIPT_BYTES_MAX + 1), "tooLong");
  await form(Uint8Array.of(0xff), "notUtf8");
  await form(utf8("{"), "notJson");
  await form(utf8("null"), "notReceipt");
  await form(utf8("[".repeat(100_000)), "notJson");
  await form(bytes({ format: 2 }), "otherFormat");
  await form(bytes({ format: 1, more: 1 }), "notReceipt");
  await form(bytes({ format: 1, paid: { minor: 3980 } }), "notReceipt");
  await form(bytes({ format: 1, paid: { minor: "9223372036854775808" } }), "notReceipt");
  await form(bytes({ format: 1, entries: [{ index: "01" }] }), "notReceipt");
  await form(bytes({ format: 1, entries: Array.from({ length: 1_001 }, () => ({})) }), "tooManyEntries");
  await form(utf8('{"format":1,"title":"\\ud800"}'), "notReceipt");
});
