// Validates the answers to a template's form with the libraries and settings of Backstage's form
// (@backstage/plugin-scaffolder-react), and again as its backend does.
import { createRequire } from "node:module";

import rjsf from "@rjsf/utils";
import jsonschema from "jsonschema";

const require = createRequire(import.meta.url);
const ajvErrors = require("ajv-errors");
const { customizeValidator } = require("@rjsf/validator-ajv8");

const validator = customizeValidator();
ajvErrors(validator.ajv);

/** Say what the form shows below its fields: `name: must have …`. */
export function problemsOf(template, answers) {
  return template.spec.parameters.flatMap((page) => {
    const utils = rjsf.createSchemaUtils(validator, page);
    const { errors } = validator.validateFormData(answers, utils.retrieveSchema(page, answers));
    return errors.map(({ property, message }) => `${property.replace(/^\./, "")}: ${message}`);
  });
}

/** Say what the backend answers to who does not use the form. */
export function refusalsOf(template, answers) {
  return template.spec.parameters.flatMap((page) =>
    jsonschema.validate(answers, { type: "object", ...page }).errors.map(String),
  );
}
