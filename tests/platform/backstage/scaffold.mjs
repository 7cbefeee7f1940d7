// Renders the software template with Backstage's own scaffolder: its form's schema, its workflow
// runner, its actions. Usage: `node scaffold.mjs ROOT OUTPUT name=… description=… owner=…`, and
// `objective=… store=… calls=…`. It is the dry run that Backstage's template editor offers: nothing
// is sent to GitHub.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { ConfigReader } from "@backstage/config";
import { DefaultGithubCredentialsProvider, ScmIntegrations } from "@backstage/integration";
import scaffolderBackend from "@backstage/plugin-scaffolder-backend";
import github from "@backstage/plugin-scaffolder-backend-module-github";
import scaffolderNode from "@backstage/plugin-scaffolder-node";
import { metrics } from "@opentelemetry/api";

import { isUnknown, load } from "./catalog.mjs";
import { problemsOf } from "./form.mjs";

// The dry runner is what the backend runs for its template editor; the package does not export it.
const require = createRequire(import.meta.url);
const dist = path.dirname(require.resolve("@backstage/plugin-scaffolder-backend"));
const { createDryRunner } = require(path.join(dist, "scaffolder/dryrun/createDryRunner.cjs.js"));

const quiet = { debug() {}, info() {}, warn: console.error, error: console.error };
quiet.child = () => quiet;

const TEMPLATE = "template:default/django-ninja-service";

/** Render the template: files as `{path, content, executable}`, and the log. */
export async function scaffold(root, parameters) {
  const folder = path.join(root, "platform/backstage/template");
  const { entities } = await load(root);
  const template = entities.get(TEMPLATE);
  const wrong = problemsOf(template, parameters);
  if (wrong.length > 0) throw new Error(`the form refuses ${wrong.join("; ")}`);

  const config = new ConfigReader({});
  const integrations = ScmIntegrations.fromConfig(config);
  const githubCredentialsProvider = DefaultGithubCredentialsProvider.fromIntegrations(integrations);
  const actions = [
    scaffolderBackend.createFetchCatalogEntityAction({
      catalog: {
        async getEntityByRef(reference) {
          return isUnknown(entities, reference) ? undefined : (entities.get(reference) ?? {});
        },
      },
    }),
    scaffolderBackend.createFetchTemplateAction({ integrations, reader: {} }),
    github.createPublishGithubPullRequestAction({
      integrations,
      githubCredentialsProvider,
      config,
      clientFactory: async () => ({}), // a dry run calls nothing, but wants a client
    }),
  ];
  const workingDirectory = await mkdtemp(path.join(tmpdir(), "scaffold-"));
  try {
    const dryRun = createDryRunner({
      actionRegistry: {
        async get(id) {
          const found = actions.find((action) => action.id === id);
          if (found === undefined) throw new Error(`no such action: ${id}`);
          return found;
        },
        async list() {
          return new Map(actions.map((action) => [action.id, action]));
        },
      },
      config,
      integrations,
      logger: quiet,
      metrics: metrics.getMeter("scaffold"),
      workingDirectory,
    });
    const copy = path.join(workingDirectory, "template");
    return await dryRun({
      spec: {
        apiVersion: template.apiVersion,
        steps: template.spec.steps,
        output: template.spec.output,
        parameters,
      },
      templateInfo: {
        entityRef: TEMPLATE,
        baseUrl: pathToFileURL(path.join(copy, "template.yaml")).href,
      },
      directoryContents: await scaffolderNode.serializeDirectoryContents(folder),
      secrets: {},
      credentials: {}, // nobody is logged in
    });
  } finally {
    await rm(workingDirectory, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [root, output, ...pairs] = process.argv.slice(2);
  const answers = Object.fromEntries(
    pairs.map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)]),
  );
  // All answers are text on a command line, and a form leaves out what is optional and empty.
  for (const name of ["objective", "store", "calls"]) if (!answers[name]) delete answers[name];
  if (answers.objective) answers.objective = Number(answers.objective);
  let rendered;
  try {
    rendered = await scaffold(root, answers);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
  for (const file of rendered.directoryContents) {
    const target = path.join(output, file.path);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, file.content, { mode: file.executable ? 0o755 : 0o644, flag: "wx" });
    console.log(file.path);
  }
}
