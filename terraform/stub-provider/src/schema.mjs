// The provider's schema: read from schema/aws.json and schema/facts.json, told to Terraform in
// the protocol's messages, and asked by the provider which attributes it must fill in.

import fs from "node:fs";
import { boolean, bytes, integer, mapEntry, message, string } from "./protobuf.mjs";

const NESTING = { single: 1, list: 2, set: 3, map: 4 };
const ALWAYS_COMPUTED = ["id", "region", "tags_all"];

const readJson = (name) =>
  JSON.parse(fs.readFileSync(new URL(`../schema/${name}`, import.meta.url), "utf8"));

// An attribute is {type, required, optional, computed, sensitive, writeOnly}, a block is
// {attributes, blocks} of such, and a nested block also has {nesting, min, max}.
function readBlock(raw, facts) {
  const attributes = {};
  for (const [name, [type, mode]] of Object.entries(raw.attributes)) {
    attributes[name] = {
      type,
      required: mode === "required",
      optional: mode === "optional",
      computed: mode === "computed" || facts.computed.includes(name),
      sensitive: facts.sensitive.includes(name),
      writeOnly: name.endsWith("_wo") && mode !== "computed",
    };
  }
  const blocks = {};
  const inside = { computed: [], sensitive: [] };
  for (const [name, block] of Object.entries(raw.blocks)) {
    blocks[name] = {
      nesting: block.nesting,
      min: block.min,
      max: block.max,
      ...readBlock(block, inside),
    };
  }
  return { attributes, blocks };
}

function readTypes(section, facts) {
  const types = new Map();
  for (const [name, raw] of Object.entries(section)) {
    const known = facts[name] ?? {};
    checkFacts(name, raw, known);
    const block = readBlock(raw, {
      computed: [...ALWAYS_COMPUTED, ...(known.computed ?? [])],
      sensitive: known.sensitive ?? [],
    });
    types.set(name, { block, replaces: known.replaces ?? [] });
  }
  return types;
}

// A misspelt fact would silently change nothing.
function checkFacts(type, raw, known) {
  for (const [kind, names] of Object.entries(known)) {
    for (const name of names) {
      if (!(name in raw.attributes)) {
        throw new Error(`schema/facts.json: ${type}.${kind} names "${name}", not an attribute`);
      }
    }
  }
}

export function loadSchema() {
  const raw = readJson("aws.json");
  const facts = readJson("facts.json");
  for (const name of Object.keys(facts.resources)) {
    if (!(name in raw.resources)) {
      throw new Error(`schema/facts.json: ${name} is not in schema/aws.json`);
    }
  }
  return {
    provider: { block: readBlock(raw.provider, { computed: [], sensitive: [] }) },
    resources: readTypes(raw.resources, facts.resources),
    dataSources: readTypes(raw.data_sources, {}),
  };
}

// ---- the protocol's form ---------------------------------------------------------------------

function attributeMessage(name, attribute) {
  return message(
    string(1, name),
    bytes(2, Buffer.from(JSON.stringify(attribute.type))),
    boolean(4, attribute.required),
    boolean(5, attribute.optional),
    boolean(6, attribute.computed),
    boolean(7, attribute.sensitive),
    boolean(10, attribute.writeOnly),
  );
}

function blockMessage(block) {
  const attributes = Object.entries(block.attributes);
  const blocks = Object.entries(block.blocks);
  return message(
    ...attributes.map(([name, attribute]) => bytes(2, attributeMessage(name, attribute))),
    ...blocks.map(([name, nested]) =>
      bytes(
        3,
        message(
          string(1, name),
          bytes(2, blockMessage(nested)),
          integer(3, NESTING[nested.nesting]),
          integer(4, nested.min),
          integer(5, nested.max),
        ),
      ),
    ),
  );
}

const schemaMessage = (type) => bytes(2, blockMessage(type.block));

export function schemaResponse(schema) {
  const entries = (field, types) =>
    [...types].map(([name, type]) => mapEntry(field, name, schemaMessage(type)));
  return message(
    bytes(1, schemaMessage(schema.provider)),
    ...entries(2, schema.resources),
    ...entries(3, schema.dataSources),
  );
}
