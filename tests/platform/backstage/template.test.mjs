// What the template makes of each combination of options has the form that `make lint` asks for,
// however long the names are.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { scaffold } from "./scaffold.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const OPTIONS = [
  {},
  { calls: "ports" },
  { store: "postgresql" },
  { store: "postgresql", calls: "ports" },
];
// The form takes 30 characters of a name and 75 of a description.
const SHORT = { name: "b", description: "B" };
const LONG = { name: "a23456789012345678901234567890", description: "d".repeat(75) };
// Imports are sorted by what lies beside the code.
const HELPERS = ["service.py", "postgres.py", "support/answers.py"].map((name) => ({
  path: `tests/${name}`,
  content: "",
}));

for (const [options, words] of OPTIONS.flatMap((each) => [[each, SHORT], [each, LONG]])) {
  test(`the code of ${words.name} with ${JSON.stringify(options)} passes the linter`, async () => {
    const answers = { ...words, ...options, owner: "group:default/maritime" };
    const { directoryContents } = await scaffold(ROOT, answers);
    const folder = await mkdtemp(path.join(tmpdir(), "template-"));
    try {
      await writeFile(path.join(folder, "pyproject.toml"), await readFile(path.join(ROOT, "pyproject.toml")));
      for (const file of directoryContents) {
        assert.doesNotMatch(file.path + file.content.toString(), /\{%|\$\{\{/);
      }
      for (const file of [...directoryContents, ...HELPERS]) {
        const target = path.join(folder, file.path);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, file.content);
      }
      const ruff = path.join(ROOT, ".venv/bin/ruff");
      for (const command of [["check"], ["format", "--check", "--diff"]]) {
        const done = spawnSync(ruff, [...command, "--no-cache", "."], { cwd: folder, encoding: "utf8" });
        assert.equal(done.status, 0, done.stdout + done.stderr);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
