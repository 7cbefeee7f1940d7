import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import globby from "globby";

import { isUnknown, load, repositoryOf } from "./catalog.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PEOPLE = "platform/backstage/org.yaml";
const CATALOG = (await globby(["*/*/catalog-info.yaml", "*/*/openapi.json"], { cwd: ROOT })).concat(
  ["catalog-info.yaml", "platform/adopt.yaml", "platform/backstage", "platform/generated"],
);
// Groups and users of an organization that keeps them here.
const TEAMS = ["maritime", "platform"]
  .map((name) => `apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: ${name}
spec:
  type: team
  children: []
`)
  .join("---\n");

/** Load a copy of the catalog after a change to it. */
async function loadChanged(change) {
  const copy = await mkdtemp(path.join(tmpdir(), "catalog-"));
  try {
    for (const name of CATALOG) {
      await cp(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    }
    await change(copy);
    return await load(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** Replace text in a file. */
function replace(file, from, to) {
  return async (copy) => {
    const text = await readFile(path.join(copy, file), "utf8");
    assert.ok(text.includes(from), `${file} has no "${from}"`);
    await writeFile(path.join(copy, file), text.replaceAll(from, to));
  };
}

/** Keep groups elsewhere, as docs/how-to/register-the-catalog.md tells. */
async function withoutPeople(copy) {
  await rm(path.join(copy, PEOPLE), { force: true });
  const file = path.join(copy, "catalog-info.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(`    - ./${PEOPLE}\n`, ""));
}

/** The relations whose target nobody can declare. */
function dangling({ entities, relations }) {
  return relations.filter(([, , target]) => isUnknown(entities, target));
}

/** The file that an entity comes from. */
function fileOf(entity) {
  return entity.metadata.annotations["backstage.io/managed-by-location"];
}

/** Tell whether an entity is of a service that was added later. */
function isOfAnother(entity) {
  const [, service] = /\/services\/([^/]+)\//.exec(fileOf(entity)) ?? [];
  return (service ?? "ports") !== "ports";
}

/** List entities and what they say of others, services that were added later and people apart. */
function listed({ entities, relations }) {
  const names = new Set();
  for (const [name, entity] of entities) {
    const isGenerated = name.startsWith("location:default/generated-");
    if (!isGenerated && !fileOf(entity).endsWith(PEOPLE) && !isOfAnother(entity)) names.add(name);
  }
  const isPerson = (name) => /^(group|user):/.test(name);
  const between = relations.filter(
    ([source, , target]) => names.has(source) && (names.has(target) || isPerson(target)),
  );
  return [...names, ...between.map((relation) => relation.join(" "))].sort().join("\n") + "\n";
}

test("the catalog loads without an error, and each entity and relation is one of these", async () => {
  const loaded = await load(ROOT);
  assert.deepEqual(loaded.errors, []);
  assert.deepEqual(dangling(loaded), []);
  console.log(listed(loaded));
  const expected = await readFile(new URL("catalog.txt", import.meta.url), "utf8");
  assert.equal(listed(loaded), expected);
});

test("the catalog is the same where groups come from a directory", async () => {
  const loaded = await loadChanged(withoutPeople);
  assert.deepEqual(loaded.errors, []);
  assert.deepEqual(dangling(loaded), []);
  assert.equal([...loaded.entities.keys()].filter((name) => name.startsWith("group:")).length, 0);
  const expected = await readFile(new URL("catalog.txt", import.meta.url), "utf8");
  assert.equal(listed(loaded), expected);
});

test("what a service needs is at most two steps away, and parts of the cluster are not", async () => {
  const { entities, relations } = await load(ROOT);
  const shown = ["dependsOn", "dependencyOf", "providesApi", "partOf", "hasPart", "ownedBy"];
  const near = new Set(["component:default/ports"]);
  for (let step = 0; step < 2; step += 1) {
    const edges = relations.filter(([source, type]) => near.has(source) && shown.includes(type));
    for (const [, , target] of edges) near.add(target);
  }
  assert.ok(near.has("resource:default/ports-database"));
  assert.ok(!near.has("resource:default/cluster"));
  const own = [...near].filter((name) => !entities.has(name) || !isOfAnother(entities.get(name)));
  assert.ok(own.length <= 12, own.join(" "));
});

test("each service's source is annotated with its folder", async () => {
  const { entities } = await load(ROOT);
  const { annotations } = entities.get("component:default/ports").metadata;
  const folder = `${await repositoryOf(ROOT)}/tree/main/services/ports/`;
  assert.equal(annotations["backstage.io/source-location"], `url:${folder}`);
});

test("placeholders are replaced by what is generated", async () => {
  const { entities } = await load(ROOT);
  const { annotations, links } = entities.get("component:default/ports").metadata;
  assert.match(annotations["prometheus.io/alert"], /^PortsAvailabilityBurn1h,.*,PortsNoReadyPods$/);
  assert.ok(links.some(({ title }) => title === "Runbook: Latency"));
  const { definition } = entities.get("api:default/ports").spec;
  assert.equal(JSON.parse(definition).info.title, "Ports");
  // A page without servers sends its requests to Backstage itself.
  assert.deepEqual(
    JSON.parse(definition).servers.map(({ url }) => url),
    ["https://ports.dev.example.com", "https://ports.staging.example.com", "https://ports.example.com"],
  );
});

test("an adopted platform's catalog names the new repository only", async () => {
  const old = await repositoryOf(ROOT);
  const adopted = await loadChanged(
    replace("platform/adopt.yaml", old, "https://github.com/acme/sea"),
  );
  assert.deepEqual(adopted.errors, []);
  const { annotations } = adopted.entities.get("component:default/ports").metadata;
  assert.equal(
    annotations["backstage.io/source-location"],
    "url:https://github.com/acme/sea/tree/main/services/ports/",
  );
});

test("an owner whom nobody declares is noticed", async () => {
  const changed = await loadChanged(async (copy) => {
    await writeFile(path.join(copy, PEOPLE), TEAMS);
    await replace("catalog-info.yaml", "targets:", `targets:\n    - ./${PEOPLE}`)(copy);
    await replace("services/ports/catalog-info.yaml", "maritime", "nobody")(copy);
  });
  assert.ok(dangling(changed).some(([, , target]) => target === "group:default/nobody"));
});

for (const [what, from, to] of [
  ["a wrong kind", "kind: Component", "kind: Komponent"],
  ["a missing owner", "  owner: group:maritime\n", ""],
  ["a wrong name", "name: ports\n  title: Ports API", "name: Ports API!\n  title: Ports API"],
  ["a file that is not there", "/openapi.json", "/openapi.yaml"],
  ["a field that Backstage does not know", "\nspec:", "\nspek: {}\nspec:"],
]) {
  test(`${what} is an error`, async () => {
    const { errors } = await loadChanged(replace("services/ports/catalog-info.yaml", from, to));
    assert.notDeepEqual(errors, []);
  });
}
