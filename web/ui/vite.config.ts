import { paraglideVitePlugin } from "@inlang/paraglide-js";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

declare const process: { env: Record<string, string | undefined> }; // no need for all of Node's types

// `npm run dev` talks to a running recorder's web server; the demo's address unless NVR says otherwise.
const server = process.env["NVR"] ?? "http://127.0.0.1:8055";

export default defineConfig({
  plugins: [
    svelte(),
    paraglideVitePlugin({
      project: "./project.inlang",
      outdir: "./src/paraglide",
      strategy: ["baseLocale"], // i18n/language.svelte.ts remembers the choice
      emitTsDeclarations: true,
      emitReadme: false,
    }),
  ],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2023",
    // The server's Content-Security-Policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: server, ws: true },
      "/media": { target: server },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
