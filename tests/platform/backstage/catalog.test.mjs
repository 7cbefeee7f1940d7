import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load, repositoryOf } from "./catalog.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CATALOG = ["catalog-info.yaml", "platform/backstage", "platform/adopt.yaml"];

/** Tell whether an entity is of the platform or of `ports`, and not of a service added later. */
function isListed([name, { metadata }]) {
  const file = metadata.annotations["backstage.io/managed-by-location"];
  const [, service] = /\/services\/([^/]+)\//.exec(file) ?? [];
  return !name.startsWith("location:default/generated-") && (service ?? "ports") === "ports";
}

/** Load a copy of the catalog after a change to it. */
async function loadChanged(file, from, to) {
  const copy = await mkdtemp(path.join(tmpdir(), "catalog-"));
  try {
    const files = [...CATALOG, "services/ports/catalog-info.yaml", "services/ports/openapi.json"];
    for (const name of [...files, "platform/generated/ports"]) {
      await cp(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    }
    const text = await readFile(path.join(copy, file), "utf8");
    assert.ok(text.includes(from), `${file} has no "${from}"`);
    await writeFile(path.join(copy, file), text.replaceAll(from, to));
    return await load(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** The relations whose target nobody declares. */
function dangling({ entities, relations }) {
  return relations.filter(([, , target]) => !entities.has(target));
}

test("the catalog loads without an error, and each entity and relation is one of these", async () => {
  const { entities, relations, errors } = await load(ROOT);
  assert.deepEqual(errors, []);
  assert.deepEqual(dangling({ entities, relations }), []);
  const listed = new Set([...entities].filter(isListed).map(([name]) => name));
  const between = relations.filter(([source, , target]) => listed.has(source) && listed.has(target));
  const lines = [...listed, ...between.map((relation) => relation.join(" "))].sort();
  console.log(lines.join("\n"));
  const expected = await readFile(new URL("catalog.txt", import.meta.url), "utf8");
  assert.equal(lines.join("\n") + "\n", expected);
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
  assert.match(annotations["prometheus.io/alert"], /^PortsAvailabilityBurn1h,.*,PortsSloWatchdog$/);
  assert.ok(links.some(({ title }) => title === "Runbook: Latency"));
  const { definition } = entities.get("api:default/ports").spec;
  assert.equal(JSON.parse(definition).info.title, "Ports");
});

test("an adopted platform's catalog names the new repository only", async () => {
  const old = await repositoryOf(ROOT);
  const adopted = await loadChanged("platform/adopt.yaml", old, "https://github.com/acme/sea");
  assert.deepEqual(adopted.errors, []);
  const { annotations } = adopted.entities.get("component:default/ports").metadata;
  assert.equal(
    annotations["backstage.io/source-location"],
    "url:https://github.com/acme/sea/tree/main/services/ports/",
  );
});

test("an owner whom nobody declares is noticed", async () => {
  const changed = await loadChanged("services/ports/catalog-info.yaml", "maritime", "nobody");
  assert.ok(dangling(changed).some(([, , target]) => target === "group:default/nobody"));
});

for (const [what, from, to] of [
  ["a wrong kind", "kind: Component", "kind: Komponent"],
  ["a missing owner", "  owner: group:maritime\n", ""],
  ["a wrong name", "name: ports\n  title: Ports API", "name: Ports API!\n  title: Ports API"],
  ["a file that is not there", "./openapi.json", "./openapi.yaml"],
  ["a field that Backstage does not know", "\nspec:", "\nspek: {}\nspec:"],
]) {
  test(`${what} is an error`, async () => {
    const { errors } = await loadChanged("services/ports/catalog-info.yaml", from, to);
    assert.notDeepEqual(errors, []);
  });
}
