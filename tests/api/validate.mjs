// node validate.mjs openapi|asyncapi FILE: validates a document against the official schema of its
// version, as the npm packages of the lock file have it. Prints what is wrong; exit status 1 then.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { Validator } from "@seriousme/openapi-schema-validator";

const require = createRequire(import.meta.url);
const Ajv2020 = require("ajv/dist/2020").default;
const Ajv = require("ajv").default;
const formats = require("ajv-formats").default;

const [kind, file] = process.argv.slice(2);
const document = JSON.parse(readFileSync(file, "utf8"));

function fail(errors) {
  console.error(JSON.stringify(errors, null, 1));
  process.exit(1);
}

// Pointers to all schemas: those of the components, and what stands beside a parameter or a body.
function* pointers(value, path) {
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(value)) {
    const below = `${path}/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}`;
    if (name === "schema" || path === "/components/schemas") yield below;
    else yield* pointers(member, below);
  }
}

// They are JSON Schema of their own: each must be sound, and resolve.
function compileAll(ajv) {
  formats(ajv);
  ajv.addVocabulary(Object.keys(document)); // Of the document around them.
  const id = "https://example.com/document";
  ajv.addSchema({ $id: id, ...document }, undefined, undefined, false);
  let count = 0;
  for (const path of pointers(document, "")) {
    ajv.compile({ $ref: `${id}#${path}` });
    count++;
  }
  if (count === 0) fail("there are no schemas");
}

if (kind === "openapi") {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  if (!result.valid) fail(result.errors);
  if (validator.version !== "3.1") fail(`it is OpenAPI ${validator.version}`);
  compileAll(new Ajv2020({ strict: true, strictTypes: false }));
} else {
  // Without Ajv's copy of draft 7, since the schema brings its own along.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  formats(ajv);
  const validate = ajv.compile(require("@asyncapi/specs").schemas["3.0.0"]);
  if (!validate(document)) fail(validate.errors);
  compileAll(new Ajv({ strict: true, strictTypes: false }));
}
