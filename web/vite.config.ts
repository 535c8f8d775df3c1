// One build, six pages. Nothing is inlined, so that the pages run under `default-src 'self'`.
import { defineConfig } from "vitest/config";

// `npm run dev` sends the API to a server on this port.
const server = process.env.APRICOT ?? "http://127.0.0.1:8080";

export default defineConfig({
  // In development /rooms/{room} falls back to index.html and /host finds host.html, as the server does it.
  appType: "spa",
  build: {
    target: "es2022",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { viewer: "index.html", host: "host.html", ops: "ops.html", receipts: "receipts.html", verify: "verify.html", board: "board.html" } },
  },
  server: {
    proxy: { "/v1": { target: server, ws: true }, "/sandbox": server, "/log": server },
  },
  // A test reads the styles; without `css` they are empty in it.
  test: { environment: "node", include: ["src/**/*.test.ts"], css: true },
});
