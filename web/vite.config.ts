// One build, six pages. Nothing is inlined, so that the pages run under `default-src 'self'`.
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// `npm run dev` sends the API to a server on this port.
const server = process.env.APRICOT ?? "http://127.0.0.1:8080";

/** What draws a page. Its first script asks for it, but a phone far away should not wait for that script to run before it fetches the rest. */
const DRAWS = /\/src\/(viewer\/Viewer|host\/Host|ops\/Ops)\.tsx$/;

/** Names what draws a page in its document, with all that it imports. */
function fetchedAtOnce(): Plugin {
  return {
    name: "fetched-at-once",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { chunk, bundle }) {
        const wanted = new Set<string>();
        const want = (file: string): void => {
          const found = bundle?.[file];
          if (found?.type !== "chunk" || wanted.has(file)) return;
          wanted.add(file);
          for (const imported of found.imports) want(imported);
        };
        for (const file of chunk?.dynamicImports ?? []) {
          const found = bundle?.[file];
          if (found?.type === "chunk" && DRAWS.test(found.facadeModuleId ?? "")) want(file);
        }
        return [...wanted]
          .filter((file) => !html.includes(`/${file}"`))
          .map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` }, injectTo: "head" }));
      },
    },
  };
}

export default defineConfig({
  // In development /rooms/{room} falls back to index.html and /host finds host.html, as the server does it.
  appType: "spa",
  plugins: [fetchedAtOnce()],
  build: {
    target: "es2022",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { viewer: "index.html", host: "host.html", ops: "ops.html", receipts: "receipts.html", verify: "verify.html", board: "board.html" },
      output: {
        // Few files, because a browser fetches six at a time: what a page does first, what every page speaks and draws with,
        // and its own parts.
        codeSplitting: {
          groups: [
            { name: "first", test: /\/src\/(language|wire\/(address|memory|line))\.ts|preload-helper/ },
            {
              // Without what few pages draw, and `code`, which is asked for when somebody wants a QR code.
              name: "page",
              test: /node_modules\/(preact|@bufbuild\/protobuf)|\/src\/(text|money)\.ts|\/src\/(room\/(live|useLive|placing|state|clock)|wire\/(?!claims)|gen\/apricot\/v1\/(common|charity|room|sale|live|ops)_pb)|\/src\/parts\/(?!Plot|ChartFigure|Spark|Fact|QrCode|code)\w+\.tsx?$/,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: { "/v1": { target: server, ws: true }, "/sandbox": server, "/log": server },
  },
  // A test reads the styles; without `css` they are empty in it.
  // A busy machine is slow; nothing here is timed.
  test: { environment: "node", include: ["src/**/*.test.ts"], css: true, testTimeout: 30_000 },
});
