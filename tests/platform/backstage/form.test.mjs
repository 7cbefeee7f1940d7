import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load } from "./catalog.mjs";
import { problemsOf, refusalsOf } from "./form.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const { entities } = await load(ROOT);
const TEMPLATE = entities.get("template:default/django-ninja-service");
const ANSWERS = {
  name: "port-calls",
  description: "Calls of ships at ports",
  owner: "group:default/maritime",
  objective: 99.9,
};

const FORM = "must be words of small letters and digits, joined by single hyphens. It starts with a letter";
const LONG = "must have 30 characters at most";
const PYTHON = "is a keyword of Python or a module of its standard library. Choose another name";
const PACKAGE = "is a Python package that this repository uses. Choose another name";
const WORD = "is not read as text by YAML, but as true, false or null. Choose another name";
const CATALOG = "is in the catalog already. Choose another name";
const VARIABLE = "begins environment variables that other programs read. Choose another name";
const FOLDER = "is a folder of this repository already. Choose another name";

// Why a name is refused; undefined where it is accepted.
const NAMES = {
  "port-calls": undefined,
  berths: undefined,
  b: undefined,
  a1: undefined,
  "a-b-c": undefined,
  "pilots-2": undefined,
  "yes-no": undefined,
  "http-api": undefined,
  portscan: undefined,
  "import-duties": undefined,
  abcdefghijklmnopqrstuvwxyz: undefined,
  "a23456789012345678901234567890": undefined,
  "": FORM,
  Ports: FORM,
  "1st": FORM,
  "-a": FORM,
  "a-": FORM,
  "a--b": FORM,
  a_b: FORM,
  "a b": FORM,
  häfen: FORM,
  "a234567890123456789012345678901": LONG,
  import: PYTHON,
  class: PYTHON,
  match: PYTHON,
  queue: PYTHON,
  calendar: PYTHON,
  http: PYTHON,
  json: PYTHON,
  types: PYTHON,
  platform: PYTHON,
  // Removed by Python 3.13, still there in 3.11.
  cgi: PYTHON,
  on: WORD,
  no: WORD,
  yes: WORD,
  y: WORD,
  null: WORD,
  true: WORD,
  requests: PACKAGE,
  gunicorn: PACKAGE,
  django: PACKAGE,
  "python-dateutil": PACKAGE,
  seaports: PACKAGE,
  "ports-platform-telemetry": PACKAGE,
  ports: CATALOG,
  "slo-compiler": CATALOG,
  telemetry: CATALOG,
  grafana: CATALOG,
  "ports-database": CATALOG,
  port: VARIABLE,
  otel: VARIABLE,
  web: VARIABLE,
  gameday: FOLDER,
  tests: FOLDER,
};

for (const [name, reason] of Object.entries(NAMES)) {
  const quoted = reason?.startsWith("must") ? reason : `"${name}" ${reason}`;
  const outcome = reason === undefined ? "accepted" : `refused: ${quoted}`;
  test(`the name "${name}" is ${outcome}`, () => {
    const answers = { ...ANSWERS, name };
    const expected = reason === undefined ? [] : [`name: ${quoted}`];
    assert.deepEqual(problemsOf(TEMPLATE, answers), expected);
    // Who calls the backend without the form is refused, too.
    assert.equal(refusalsOf(TEMPLATE, answers).length > 0, reason !== undefined);
  });
}

for (const [field, value, message] of [
  ["description", 'says "so"', "must be one line of letters, digits, spaces and , ' ( ) - and start with a letter or digit"],
  ["description", "{{ evil }}", "must be one line of letters, digits, spaces and , ' ( ) - and start with a letter or digit"],
  ["description", "d".repeat(76), "must have 75 characters at most"],
  ["owner", "nobody at all", "must be a group of the catalog, for example group:default/platform"],
  ["owner", "user:default/ada", "must be a group of the catalog, for example group:default/platform"],
  ["objective", 100, "must be 99, 99.5, 99.9 or 99.95"],
  ["store", "mysql", "must be memory or postgresql"],
  ["calls", "grafana", '"grafana" is no service of this repository'],
  ["calls", "port-calls", '"port-calls" is no service of this repository'],
]) {
  test(`${field} ${JSON.stringify(value).slice(0, 30)} is refused in words`, () => {
    const answers = { ...ANSWERS, [field]: value };
    assert.deepEqual(problemsOf(TEMPLATE, answers), [`${field}: ${message}`]);
    assert.notDeepEqual(refusalsOf(TEMPLATE, answers), []);
  });
}

test("what the form asks for is what a service needs, and no more", () => {
  const [page] = TEMPLATE.spec.parameters;
  assert.deepEqual(page.required, ["name", "description", "owner"]);
  const without = problemsOf(TEMPLATE, {});
  assert.deepEqual(
    without,
    ["Name", "Description", "Owner"].map((title) => `${title.toLowerCase()}: must have required property '${title}'`),
  );
});

test("the service that is called is one of this repository", () => {
  const { calls } = TEMPLATE.spec.parameters[0].properties;
  assert.deepEqual(calls.enum, readdirSync(new URL("../../../services", import.meta.url)).sort());
  assert.deepEqual(problemsOf(TEMPLATE, { ...ANSWERS, store: "postgresql", calls: "ports" }), []);
});

test("the owner is picked from the groups of the catalog", () => {
  const { owner } = TEMPLATE.spec.parameters[0].properties;
  assert.equal(owner["ui:field"], "OwnerPicker");
  assert.deepEqual(owner["ui:options"], { allowedKinds: ["Group"], allowArbitraryValues: false });
});

test("the pull request goes to the repository of platform/adopt.yaml", () => {
  const { input } = TEMPLATE.spec.steps.find(({ id }) => id === "propose");
  assert.equal(input.repoUrl, "github.com?owner=example&repo=ports-platform");
});
