// Loads a repository's catalog with Backstage's own processing code, from the location of
// platform/backstage/app-config.yaml and its rules. One thing stands in: what a Backstage would fetch from the
// repository's URL is read from a checkout.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import {
  DefaultNamespaceEntityPolicy,
  EntityPolicies,
  FieldFormatEntityPolicy,
  NoForeignRootFieldsEntityPolicy,
  SchemaValidEntityPolicy,
  stringifyEntityRef,
} from "@backstage/catalog-model";
import { ConfigReader } from "@backstage/config";
import { NotFoundError } from "@backstage/errors";
import { ScmIntegrations } from "@backstage/integration";
import catalogBackend from "@backstage/plugin-catalog-backend";
import { ScaffolderEntitiesProcessor } from "@backstage/plugin-catalog-backend-module-scaffolder-entity-model";
import globby from "globby";
import YAML from "yaml";

// The orchestrator is what the backend runs for each entity; the package does not export it.
const require = createRequire(import.meta.url);
const dist = path.dirname(require.resolve("@backstage/plugin-catalog-backend"));
const { DefaultCatalogProcessingOrchestrator } = require(
  path.join(dist, "processing/DefaultCatalogProcessingOrchestrator.cjs.js"),
);
const { DefaultCatalogRulesEnforcer } = require(path.join(dist, "ingestion/CatalogRules.cjs.js"));
const { locationSpecToLocationEntity } = require(path.join(dist, "util/conversion.cjs.js"));
const { defaultEntityDataParser } = require(path.join(dist, "util/parse.cjs.js"));
const placeholders = require(path.join(dist, "processors/PlaceholderProcessor.cjs.js"));

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
quiet.child = () => quiet;

/** Read `platform/backstage/app-config.yaml` as a backend would, for a repository at a URL. */
async function config(root, repository) {
  const text = await readFile(path.join(root, "platform/backstage/app-config.yaml"), "utf8");
  return new ConfigReader(YAML.parse(text.replaceAll("${PORTS_PLATFORM_REPOSITORY}", repository)));
}

/** Stands in for the reader of the repository's host: main is the checkout under `root`. */
function checkout(root, repository) {
  // GitHub's two forms of a file's address; its integration turns the first into the second.
  const [typed, prefix] = [`${repository}/blob/main/`, `${repository}/tree/main/`];
  const matching = async (url) => {
    const used = [typed, prefix].find((each) => url.startsWith(each));
    if (used === undefined) throw new NotFoundError(`${url} is not of this repository`);
    return globby(url.slice(used.length), { cwd: root });
  };
  const file = (name) => ({
    url: prefix + name,
    content: () => readFile(path.join(root, name)),
    buffer: () => readFile(path.join(root, name)),
  });
  return {
    async readUrl(url) {
      const [name] = await matching(url);
      if (name === undefined) throw new NotFoundError(`${url} does not exist`);
      return file(name);
    },
    async search(url) {
      return { files: (await matching(url)).map(file), etag: "" };
    },
  };
}

/** The repository's URL, from the one file to adopt. */
export async function repositoryOf(root) {
  return YAML.parse(await readFile(path.join(root, "platform/adopt.yaml"), "utf8")).repository;
}

/**
 * Tell whether an owner is unknown. Without org.yaml, groups come from the organization's directory: no checkout
 * knows them.
 */
export function isUnknown(entities, reference) {
  const hasPeople = [...entities.keys()].some((name) => name.startsWith("group:"));
  const isPerson = /^(group|user):/.test(reference);
  return !entities.has(reference) && (hasPeople || !isPerson);
}

/**
 * Process everything that the configured location leads to.
 *
 * Returns the entities by reference, their relations as `[source, type, target]`, and every error.
 */
export async function load(root) {
  const repository = await repositoryOf(root);
  const options = await config(root, repository);
  const integrations = ScmIntegrations.fromConfig(options);
  const reader = checkout(root, repository);
  const orchestrator = new DefaultCatalogProcessingOrchestrator({
    processors: [
      new catalogBackend.PlaceholderProcessor({
        resolvers: {
          json: placeholders.jsonPlaceholderResolver,
          yaml: placeholders.yamlPlaceholderResolver,
          text: placeholders.textPlaceholderResolver,
        },
        reader,
        integrations,
      }),
      new catalogBackend.BuiltinKindsEntityProcessor(),
      new catalogBackend.UrlReaderProcessor({ reader, logger: quiet, config: options }),
      new catalogBackend.AnnotateLocationEntityProcessor({ integrations }),
      new ScaffolderEntitiesProcessor(),
    ],
    integrations,
    rulesEnforcer: DefaultCatalogRulesEnforcer.fromConfig(options),
    logger: quiet,
    parser: defaultEntityDataParser,
    policy: EntityPolicies.allOf([
      new SchemaValidEntityPolicy(),
      new DefaultNamespaceEntityPolicy(),
      new NoForeignRootFieldsEntityPolicy(),
      new FieldFormatEntityPolicy(),
    ]),
    allowedLocationType: ["url"],
    allowedLocationTypes: ["url"],
  });

  const entities = new Map();
  const relations = [];
  const errors = [];
  const waiting = options.getConfigArray("catalog.locations").map((each) =>
    locationSpecToLocationEntity({
      location: { type: each.getString("type"), target: each.getString("target") },
    }),
  );
  while (waiting.length > 0) {
    const entity = waiting.shift();
    const name = stringifyEntityRef(entity);
    const result = await orchestrator.process({ entity, state: {} });
    errors.push(...result.errors.map((error) => `${name}: ${error.message}`));
    if (!result.ok) continue;
    if (entities.has(name)) errors.push(`${name}: declared twice`);
    entities.set(name, result.completedEntity);
    waiting.push(...result.deferredEntities.map((deferred) => deferred.entity));
    relations.push(
      ...result.relations.map(({ source, type, target }) => [
        stringifyEntityRef(source),
        type,
        stringifyEntityRef(target),
      ]),
    );
  }
  return { entities, relations, errors };
}
