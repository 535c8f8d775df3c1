// A server of the test's own, with a data folder that goes with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const APRICOT = process.env.APRICOT_BIN ?? fileURLToPath(new URL("../../target/debug/apricot", import.meta.url));
/** A project and its charity, as most tests have them. */
export const LUNCH = { id: "school-lunch", title: "山村小学午餐", charity: "示例基金会", registration: "53100000TEST00001X" };
/** What most tests sell. */
export const WALNUT = { sku: "walnut-1kg", title: "薄皮核桃", unit: "1 kg", price: { minor: "4680", currency: "CNY" }, onHand: 500, category: "farm" };
const SHIP_TO = { name: "林小满", phone: "13800000000", address: "示例路 1 号" };
const START_MAX_MS = 30_000;

export class Server {
  /** A server with a data folder of its own. `env` sets configuration: APRICOT_SALE__OFFER_SECONDS and so on. */
  static async start({ demo = false, env = {} } = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), "apricot-pages-")), demo, env);
    try {
      await server.run("127.0.0.1:0");
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  constructor(data, demo, env) {
    Object.assign(this, { data, demo, env, links: {} });
  }

  async run(listen) {
    const args = ["serve", "--data", this.data, "--listen", listen, ...(this.demo ? ["--demo"] : [])];
    this.child = spawn(APRICOT, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...environment(), ...this.env } });
    this.said = "";
    const linked = withResolvers();
    createInterface({ input: this.child.stderr }).on("line", (line) => {
      this.said += `${line}\n`;
      const [, who, address] = /^\s+(viewer|host|viewer-en|host-en|ops)\s+(http\S+)$/.exec(line) ?? [];
      if (who !== undefined) this.links[who] = address;
      if (who === "ops") linked.resolve();
    });
    const listening = new Promise((resolve) => {
      createInterface({ input: this.child.stdout }).on("line", (line) => {
        if (line.startsWith("{")) resolve(JSON.parse(line).listening);
      });
    });
    const ended = once(this.child, "exit").then(([code]) => {
      throw new Error(`the server ended with ${code}:\n${this.said}`);
    });
    ended.catch(() => undefined);
    const tooLate = deadline(START_MAX_MS, () => `the server did not start:\n${this.said}`);
    try {
      this.address = await Promise.race([listening, ended, tooLate.promise]);
      this.base = `http://${this.address}`;
      if (this.demo) await Promise.race([linked.promise, ended, tooLate.promise]);
    } finally {
      tooLate.cancel();
    }
  }

  /** As a power cut would end it. */
  async kill() {
    this.child.kill("SIGKILL");
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "exit");
  }

  /** The same data at the same address. */
  restart() {
    return this.run(this.address);
  }

  async stop() {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  async token(role, subject, name, { county } = {}) {
    const args = ["token", "--data", this.data, "--role", role, "--subject", subject, "--name", name, ...(county === undefined ? [] : ["--county", county])];
    const child = spawn(APRICOT, args, { stdio: ["ignore", "pipe", "inherit"], env: environment() });
    let out = "";
    child.stdout.on("data", (part) => (out += part));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`apricot token ended with ${code}`);
    return out.trim();
  }

  /** One piece held for a buyer; with a `method` it is asked to be paid too. The order as it then stands. */
  async hold(buyer, saleId, method) {
    const held = await this.call("POST", "/v1/orders", buyer, { orderId: crypto.randomUUID(), saleId, quantity: 1 });
    return method === undefined ? held : this.call("POST", `/v1/orders/${held.id}/pay`, buyer, { method, shipTo: SHIP_TO });
  }

  /** What `apricot check` finds in the data folder of a server that has stopped. */
  async check() {
    const child = spawn(APRICOT, ["check", "--data", this.data], { stdio: ["ignore", "pipe", "pipe"], env: environment() });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
    const [code] = await once(child, "close");
    return { code, said };
  }

  /** Registers charities and projects, and pledges to them in the host's name. A project is of LUNCH unless it says otherwise. */
  async pledge(host, terms = {}, projects = [{}]) {
    this.ops ??= await this.token("ops", "registrar", "registrar");
    const parts = [];
    for (const given of projects) {
      const { id, title, charity, registration, weight = 1, ...more } = { ...LUNCH, ...given };
      await this.call("PUT", `/v1/charities/${encodeURIComponent(registration)}`, this.ops, { name: charity, platformUrl: "https://giving.example/" });
      await this.call("PUT", `/v1/projects/${id}`, this.ops, { charity: registration, title, ...more });
      parts.push({ projectId: id, weight });
    }
    const usual = { base: "PLEDGE_BASE_PAID_PRICE", sharePpm: 50_000, rounding: "ROUNDING_DOWN", agreementSha256: "ab".repeat(32) };
    return this.call("POST", "/v1/pledges", host, { pledge: { ...usual, ...terms, parts } });
  }

  /** A live room, in which something is on sale unless `sale` is false: twenty walnuts, or the terms that it names. */
  async live(host, id, { sale = {}, ...more } = {}) {
    await this.call("POST", "/v1/rooms", host, { id, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞", ...more });
    await this.call("POST", `/v1/rooms/${id}/state`, host, { state: "ROOM_STATE_LIVE" });
    if (sale !== false) await this.sell(host, id, sale);
    return `${this.base}/rooms/${id}`;
  }

  sell(host, room, terms = {}) {
    const usual = { sku: "walnut-1kg", price: { minor: "3280", currency: "CNY" }, stock: 20, limitPerBuyer: 5, holdSeconds: 120, durationSeconds: 900, openNow: true };
    return this.call("POST", `/v1/rooms/${room}/sales`, host, { ...usual, ...terms });
  }

  /** Buys by REST and waits until it is paid. */
  async buy(buyer, saleId, quantity = 1) {
    const id = crypto.randomUUID();
    await this.call("POST", "/v1/orders", buyer, { orderId: id, saleId, quantity });
    await this.call("POST", `/v1/orders/${id}/pay`, buyer, { method: "PAYMENT_METHOD_SANDBOX_APPROVE", shipTo: SHIP_TO });
    for (const endMs = Date.now() + START_MAX_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const { state } = await this.call("GET", `/v1/orders/${id}`, buyer);
      if (state === "ORDER_STATE_PAID") return id;
      if (Date.now() > endMs) throw new Error(`order ${id} is ${state}, not paid`);
    }
  }

  /** Packs and ships; `buyer` says that it came. */
  async ship(host, order, buyer) {
    const step = (who, body) => this.call("POST", `/v1/orders/${order}/shipping`, who, body);
    await step(host, { state: "ORDER_STATE_PACKED" });
    await step(host, { state: "ORDER_STATE_SHIPPED", carrier: "中通", trackingNumber: "ZT10001" });
    if (buyer !== undefined) await step(buyer, { state: "ORDER_STATE_CONFIRMED" });
  }

  /** The tokens of people named as `role:subject:name`. */
  async tokens(...people) {
    const tokens = await Promise.all(people.map(async (who) => {
      const [role, subject, name] = who.split(":");
      return [subject, await this.token(role, subject, name)];
    }));
    return Object.fromEntries(tokens);
  }

  async call(method, path, token, body) {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json", "idempotency-key": crypto.randomUUID() }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }
}

/** The program takes every APRICOT_ name for one of its keys, and a developer's own must not change the test. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("APRICOT_")));
}

function deadline(ms, why) {
  const { promise, reject } = withResolvers();
  promise.catch(() => undefined);
  const timer = setTimeout(() => reject(new Error(why())), ms);
  return { promise, cancel: () => clearTimeout(timer) };
}

// Node 20 has no Promise.withResolvers.
function withResolvers() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
