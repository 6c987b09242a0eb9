import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const outDir = "../dist";

// The digest of all that the build reads, so that a test without Node can tell whether dist is made of these sources.
// The test in ../ui_test.go computes it the same way: for each file by its path, the path, a zero byte, the SHA-256 of
// the bytes, in hexadecimal, and a newline.
function sourcesDigest(): Plugin {
  return {
    name: "sources-digest",
    apply: "build",
    closeBundle() {
      const sum = createHash("sha256");
      for (const path of files(".").sort()) {
        sum.update(`${path}\0${createHash("sha256").update(readFileSync(path)).digest("hex")}\n`);
      }
      writeFileSync(join(outDir, "sources.sha256"), sum.digest("hex") + "\n");
    },
  };
}

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name.startsWith(".")) {
      return [];
    }
    const path = dir === "." ? entry.name : `${dir}/${entry.name}`;
    return entry.isDirectory() ? files(path) : [path];
  });
}

export default defineConfig({
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: URLs
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  // `npm run dev` beside a `flowrun dev`: the page is rebuilt at once, the API is the server's.
  server: { proxy: { "/api": { target: "http://127.0.0.1:8081", changeOrigin: true } } },
  plugins: [sourcesDigest()],
});
