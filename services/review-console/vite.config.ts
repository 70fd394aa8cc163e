import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Where the API is while developing: `CONSOLE_API=http://127.0.0.1:8081 npm run dev`. The Host
// header stays as it is, because signing in compares it with the page's origin.
const api = process.env.CONSOLE_API ?? "http://127.0.0.1:8081";
const proxy = { "/v1": { target: api, changeOrigin: false } };

/** `.br` and `.gz` beside each text, which review-api sends as they are. */
function compressed(): Plugin {
  const assets = fileURLToPath(new URL("./dist/assets", import.meta.url));
  const write = async (file: string) => {
    const bytes = await readFile(file);
    await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
    await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  };
  return {
    name: "compressed",
    apply: "build",
    closeBundle: async () => {
      const names = (await readdir(assets)).filter((name) => /\.(js|css|svg)$/.test(name));
      await Promise.all(names.map((name) => write(join(assets, name))));
    },
  };
}

export default defineConfig({
  // The server puts a nonce of each answer in its place.
  html: { cspNonce: "__CSP_NONCE__" },
  plugins: [tanstackRouter({ target: "react", autoCodeSplitting: true, quoteStyle: "double", semicolons: true }), react(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The user guide is the repository's.
  server: { proxy, fs: { allow: [".", "../../docs"] } },
  preview: { proxy },
  build: { target: "es2022", assetsInlineLimit: 0, reportCompressedSize: false },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/testing/set-up.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    reporters: ["default", "./src/testing/reporter.ts"],
    testTimeout: 90_000,
    pool: "threads",
    css: false,
  },
});
