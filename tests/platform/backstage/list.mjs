// Prints what Backstage's catalog holds of a repository (`node list.mjs ROOT`): entities as JSON by
// reference, for the tests in Python.
import { load } from "./catalog.mjs";

const { entities, relations, errors } = await load(process.argv[2]);
console.log(JSON.stringify({ entities: Object.fromEntries(entities), relations, errors }));
