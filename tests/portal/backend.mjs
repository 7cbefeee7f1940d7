// A Backstage backend of the plugins that the catalog's annotations and the template are for:
// `node backend.mjs --config FILE`. Everything in it is Backstage's; the configuration names the tests' stubs.
import { createBackend } from "@backstage/backend-defaults";

const backend = createBackend();
for (const plugin of [
  import("@backstage/plugin-catalog-backend"),
  import("@backstage/plugin-catalog-backend-module-scaffolder-entity-model"),
  import("@backstage/plugin-kubernetes-backend"),
  import("@backstage/plugin-proxy-backend"),
  import("@backstage/plugin-scaffolder-backend"),
  import("@backstage/plugin-scaffolder-backend-module-github"),
  import("@backstage/plugin-techdocs-backend"),
]) {
  backend.add(plugin);
}
await backend.start();
