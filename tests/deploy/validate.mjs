// Checks Kubernetes manifests offline: node validate.mjs FILE.yaml...
//
//   1. each document by the schema of its apiVersion and kind (types, required fields, formats)
//   2. by the types made of the same schemas, which also know what is no field at all: tsc reads each
//      document as a literal of its type
//
// Prints one JSON array of {file, kind, message}; the exit status is 0 also when there are some.
import { readFileSync, mkdtempSync, writeFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const findings = [];

function documentsOf(file) {
  return parseAllDocuments(readFileSync(file, "utf8")).flatMap((document) => {
    for (const error of [...document.errors, ...document.warnings])
      findings.push({ file, kind: null, message: error.message });
    return document.errors.length ? [] : [{ file, value: document.toJS() }];
  });
}

// "apps/v1" and "v1" are folders of the package; each exports its kinds.
function modelOf({ file, value }) {
  try {
    const model = require(`kubernetes-models/${value.apiVersion}`)[value.kind];
    if (model) return model;
  } catch { /* No such group or version. */ }
  findings.push({ file, kind: value?.kind ?? null, message: `there is no ${value?.kind} in ${value?.apiVersion}` });
  return null;
}

function bySchema({ file, value }, Model) {
  try {
    new Model(structuredClone(value)).validate();
  } catch (error) {
    findings.push({ file, kind: value.kind, message: error.message });
  }
}

function byType(documents) {
  const dir = mkdtempSync(join(here, "node_modules", ".checked-"));
  const files = documents.map(({ value }, i) => {
    const path = join(dir, `document${i}.ts`);
    writeFileSync(path, `import type { I${value.kind} } from "kubernetes-models/${value.apiVersion}";\n` +
      `export const document: I${value.kind} = ${JSON.stringify(value, null, 1)};\n`);
    return path;
  });
  const program = ts.createProgram(files, {
    noEmit: true, strict: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [],
  });
  for (const found of ts.getPreEmitDiagnostics(program)) {
    const at = files.indexOf(found.file?.fileName);
    const { file, value } = documents[at] ?? {};
    findings.push({ file, kind: value?.kind ?? null, message: ts.flattenDiagnosticMessageText(found.messageText, "\n") });
  }
  rmSync(dir, { recursive: true });
}

const known = process.argv.slice(2).flatMap(documentsOf).filter((document) => {
  const model = modelOf(document);
  if (model) bySchema(document, model);
  return model;
});
byType(known);
console.log(JSON.stringify(findings, null, 1));
