/*
 * Makes the console: sources → bundle → the files a browser gets, compressed → one C file.
 *
 *   node bundle.mjs DIR     writes DIR/files/ (to look at), DIR/sizes.json and DIR/console_files.c
 *
 * File names carry a hash of their bytes, so that browsers may keep them for good; only index.html has
 * a name that stays.
 */
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const out = process.argv[2] ?? "dist";
const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

async function bundle() {
  const result = await build({
    entryPoints: { app: "src/main.tsx" },
    outdir: "files",
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const files = result.outputFiles.map((file) => ({
    name: basename(file.path),
    bytes: Buffer.from(file.contents),
    immutable: true,
  }));
  const entry = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === "src/main.tsx");
  return { files, script: basename(entry[0]), style: basename(entry[1].cssBundle), early: chunks(result.metafile, entry[0]) };
}

/* What the entry imports at once, and so belongs to the first load. */
function chunks(metafile, name, seen = new Set()) {
  for (const part of metafile.outputs[name].imports) {
    if (part.kind !== "import-statement" || seen.has(part.path)) continue;
    seen.add(part.path);
    chunks(metafile, part.path, seen);
  }
  return [...seen].map((path) => basename(path));
}

function compress(file) {
  const brotli = brotliCompressSync(file.bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: file.bytes.length },
  });
  const gzip = gzipSync(file.bytes, { level: 9 });
  const smaller = (bytes) => (bytes.length < file.bytes.length ? bytes : null);
  return [file.bytes, smaller(gzip), smaller(brotli)];
}

function c(files) {
  const arrays = [];
  const rows = [];
  files.forEach((file, i) => {
    const spans = compress(file).map((bytes, encoding) => {
      if (bytes === null) return "{0}";
      const name = `file_${i}_${encoding}`;
      arrays.push(`static const unsigned char ${name}[] = {${[...bytes].join(",")}};`);
      return `{(const char *)${name}, sizeof ${name}}`;
    });
    const digest = createHash("sha256").update(file.bytes).digest("hex").slice(0, 32);
    const type = types[file.name.split(".").pop()];
    if (type === undefined) throw new Error(`${file.name}: of what type is it?`);
    rows.push(`    {"${file.name}", "${type}", "${digest}", ${file.immutable}, {${spans.join(", ")}}},`);
  });
  return `/* Made by cmd/web/bundle.mjs. */
#include "cmd/console.h"

${arrays.join("\n")}

static const struct dure_console_file files[] = {
${rows.join("\n")}
};

const struct dure_console dure_cmd_console = {files, sizeof files / sizeof files[0]};
`;
}

const { files, script, style, early } = await bundle();
const icon = readFileSync("src/icon.svg");
files.push({ name: "icon.svg", bytes: icon, immutable: false });
const html = readFileSync("src/index.html", "utf8")
  .replace("SCRIPT", script)
  .replace("STYLE", style)
  .replace("EARLY", early.map((name) => `<link rel="modulepreload" href="/console/${name}">`).join(""));
files.push({ name: "index.html", bytes: Buffer.from(html), immutable: false });

rmSync(join(out, "files"), { recursive: true, force: true });
mkdirSync(join(out, "files"), { recursive: true });
for (const file of files) writeFileSync(join(out, "files", file.name), file.bytes);
const first = new Set(["index.html", "icon.svg", script, style, ...early]);
const sizes = files.map((file) => {
  const [plain, gzip, brotli] = compress(file).map((bytes) => bytes?.length ?? null);
  return { name: file.name, first: first.has(file.name), plain, gzip, brotli };
});
writeFileSync(join(out, "sizes.json"), JSON.stringify(sizes, null, 2) + "\n");
writeFileSync(join(out, "console_files.c"), c(files));
