// The extractor, on bindings of one made-up resource.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const extractor = path.join(here, "..", "extract.mjs");

test("Names, types, nesting and need are read from the bindings", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "extract-test-"));
  const target = path.join(folder, "schema.json");
  fs.writeFileSync(
    path.join(folder, "main.tf"),
    'resource "aws_thing" "one" {}\ndata "aws_thing" "other" {}\n',
  );
  execFileSync(process.execPath, [extractor, path.join(here, "bindings"), folder, target]);
  const schema = JSON.parse(fs.readFileSync(target, "utf8"));
  fs.rmSync(folder, { recursive: true });

  assert.equal(schema.provenance.provider, "hashicorp/aws 9.9.9");
  assert.deepEqual(schema.provider.attributes, { region: ["string", "optional"] });
  assert.deepEqual(schema.resources.aws_thing, {
    attributes: {
      full_name: ["string", "required"],
      enabled: ["bool", "optional"],
      subnets: [["set", "string"], "optional"],
      arn: ["string", "computed"],
      labels: [["map", "string"], "computed"],
      owners: [["set", ["object", { owner_id: "string" }]], "computed"],
    },
    blocks: {
      part: {
        nesting: "list",
        min: 1,
        max: 1,
        attributes: { part_name: ["string", "required"] },
        blocks: {
          hole: { nesting: "set", min: 0, max: 0, attributes: { depth: ["number", "required"] }, blocks: {} },
        },
      },
    },
  });
  assert.deepEqual(schema.data_sources.aws_thing.attributes, { names: [["set", "string"], "computed"] });
});

test("Without the bindings it says what it needs", () => {
  const run = spawnSync(process.execPath, [extractor, "/nowhere"], { encoding: "utf8" });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /usage: extract\.mjs <unpacked npm package/);
});
