// Backstage's own loader merges the configuration as docs/how-to/register-the-catalog.md tells.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { ConfigSources } from "@backstage/config-loader";
import YAML from "yaml";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const OWNERS = fileURLToPath(new URL("owner.app-config.yaml", import.meta.url));
const ENTRIES = path.join(ROOT, "platform/backstage/app-config.yaml");
const PLUGINS = path.join(ROOT, "platform/backstage/app-config.plugins.yaml");
const TECHDOCS = path.join(ROOT, "platform/backstage/app-config.techdocs.yaml");

/** What `--config FILE --config FILE` gives; each variable has its own name as its value. */
async function merged(...files) {
  return mergedWith(async (name) => name, ...files);
}

async function mergedWith(substitutionFunc, ...files) {
  const source = ConfigSources.default({
    argv: files.flatMap((file) => ["--config", file]),
    substitutionFunc,
    env: {},
  });
  const config = await ConfigSources.toConfig(source);
  const data = config.get();
  config.close();
  return data;
}

/** The leaves of a configuration, as `a.b.0.c = value`. */
function leaves(value, name = "") {
  if (value === null || typeof value !== "object") return [`${name} = ${value}`];
  return Object.entries(value).flatMap(([key, each]) => leaves(each, name ? `${name}.${key}` : key));
}

/** Copy each entry of the lists in `from` into the list of the same name, which `to` may not have yet. */
function copyEntries(from, to) {
  for (const [name, value] of Object.entries(from)) {
    to[name] ??= Array.isArray(value) ? [] : {};
    if (Array.isArray(value)) to[name].push(...value);
    else copyEntries(value, to[name]);
  }
}

/** Copy each entry of the platform's lists into the owner's list of the same name. */
async function withEntries(run) {
  const folder = await mkdtemp(path.join(tmpdir(), "config-"));
  try {
    const owners = YAML.parse(await readFile(OWNERS, "utf8"));
    copyEntries(YAML.parse(await readFile(ENTRIES, "utf8")), owners);
    const file = path.join(folder, "app-config.yaml");
    await writeFile(file, YAML.stringify(owners));
    return await run(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("nothing of the owner's is lost, and the platform's entries are there", async () => {
  const before = leaves(await merged(OWNERS));
  const after = await withEntries((file) => merged(file, PLUGINS));
  assert.deepEqual(before.filter((leaf) => !leaves(after).includes(leaf)), []);
  console.log(YAML.stringify(after));
  assert.deepEqual(
    after.catalog.locations.map(({ target }) => target),
    [
      "https://github.com/acme/catalog/blob/main/all.yaml",
      "PORTS_PLATFORM_REPOSITORY/blob/main/catalog-info.yaml",
    ],
  );
  assert.deepEqual(
    after.kubernetes.clusterLocatorMethods.flatMap(({ clusters }) => clusters.map(({ name }) => name)),
    ["acme", "ports-platform"],
  );
  assert.deepEqual(Object.keys(after.proxy.endpoints).sort(), [
    "/argocd/api",
    "/grafana/api",
    "/pagerduty",
    "/prometheus/api",
  ]);
  assert.deepEqual(after.backend.csp["frame-src"], ["'self'", "GRAFANA_DOMAIN"]);
});

test("groups and templates are allowed from the platform's location alone", async () => {
  const { catalog } = await withEntries((file) => merged(file, PLUGINS));
  assert.deepEqual(catalog.rules, [{ allow: ["Component", "System", "API", "Resource", "Location"] }]);
  assert.ok(catalog.locations[1].rules[0].allow.includes("Template"));
});

for (const file of [PLUGINS, TECHDOCS]) {
  test(`${path.basename(file)} has no list, which would replace the owner's`, async () => {
    const found = [];
    YAML.visit(YAML.parseDocument(await readFile(file, "utf8")), {
      Seq: (_key, node) => found.push(node.toString()),
    });
    assert.deepEqual(found, []);
  });
}

test("the file of TechDocs replaces the owner's builder and publisher, and nothing else", async () => {
  const before = leaves(await merged(OWNERS));
  const after = await merged(OWNERS, TECHDOCS);
  assert.deepEqual(before.filter((leaf) => !leaves(after).includes(leaf)), [
    "techdocs.builder = local",
    "techdocs.publisher.type = local",
  ]);
  assert.equal(after.techdocs.builder, "external");
  assert.deepEqual(after.techdocs.publisher, {
    type: "awsS3",
    awsS3: {
      bucketName: "TECHDOCS_BUCKET",
      endpoint: "TECHDOCS_ENDPOINT",
      s3ForcePathStyle: "TECHDOCS_PATH_STYLE",
    },
  });
});

test("a bucket of AWS needs no variable but its name", async () => {
  const only = async (name) => (name === "TECHDOCS_BUCKET" ? "docs" : undefined);
  const { publisher } = (await mergedWith(only, OWNERS, TECHDOCS)).techdocs;
  assert.deepEqual(publisher, { type: "awsS3", awsS3: { bucketName: "docs" } });
});

test("the file of entries takes the owner's away if it is one more --config, so that it is copied", async () => {
  const { catalog, kubernetes } = await merged(OWNERS, ENTRIES);
  assert.equal(catalog.locations.length, 1);
  assert.equal(kubernetes.clusterLocatorMethods.length, 1);
});

test("the page names each variable of the three files", async () => {
  const page = await readFile(path.join(ROOT, "docs/how-to/register-the-catalog.md"), "utf8");
  for (const file of [ENTRIES, PLUGINS, TECHDOCS]) {
    const text = await readFile(file, "utf8");
    for (const [, name] of text.matchAll(/\$\{(\w+)\}/g)) assert.ok(page.includes(`\`${name}\``), name);
  }
});
