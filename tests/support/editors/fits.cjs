// Reads {schema, values} as JSON from standard input and writes for each value whether ajv lets it pass.
// Arguments: the folder of modules, the draft (`2020` or `07`).
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [modules, draft] = process.argv.slice(2);
const Ajv = require(join(modules, draft === "2020" ? "ajv/dist/2020" : "ajv")).default;
const { schema, values } = JSON.parse(readFileSync(0, "utf8"));
if (draft === "07") schema.$schema = "http://json-schema.org/draft-07/schema#";
const fits = new Ajv({ strict: false }).compile(schema);
process.stdout.write(JSON.stringify(values.map((value) => fits(value))));
