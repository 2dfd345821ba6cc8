#!/usr/bin/env node
// Makes schema/aws.json from the TypeScript bindings of the AWS provider. Needed only when a
// resource type is added or the provider's version changes; tests read the committed result.
//
//   npm pack @cdktf/provider-aws@21.22.1 && tar xzf cdktf-provider-aws-21.22.1.tgz
//   node extract.mjs package [folder with .tf files] [file to write]
//
// The bindings are generated from the provider's schema, so the schema can be read back: their
// modules are loaded against an imitation of the `cdktf` library whose mappers, instead of mapping
// a value, tell which type they are for. Required or optional is in the .d.ts files. Only names,
// types and nesting are taken, no descriptions and no code.

import fs from "node:fs";
import Module, { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const DEPTH_MAX = 8; // Deeper nesting than the types we use; stops recursive ones.

// ---- the imitation ------------------------------------------------------------------------

// Stands for "whatever was configured as <name>", however deep the code reaches into it.
function configured(name) {
  return new Proxy(() => {}, {
    get: (_, key) => {
      if (key === "propertyName") return name;
      if (key === "internalValue" || key === "internalMapValue") return configured(name);
      return typeof key === "string" ? configured(key) : undefined;
    },
  });
}

const scalar = (type) => (value) => ({ type, property: value?.propertyName });
const typeOf = (mapper) => mapper(configured(undefined));
const collection = (mapper) => (value) => ({
  element: typeOf(mapper),
  mapper,
  property: value?.propertyName,
});

class ComplexList {
  constructor(parent, attribute, wrapsSet) {
    Object.assign(this, { attribute, wrapsSet, isMap: false });
  }
}
class ComplexMap extends ComplexList {
  constructor(parent, attribute) {
    super(parent, attribute, false);
    this.isMap = true;
  }
}
class ComplexObject {
  constructor(parent, attribute) {
    this.attribute = attribute;
  }
}
// Computed maps and lists of scalars: `new cdktf.StringMap(this, "tags_all")`.
const scalars = (type) =>
  class {
    constructor(parent, attribute) {
      Object.assign(this, { attribute, computedType: type });
    }
  };
class Element {}
class Provider extends Element {}

const getters = {
  getStringAttribute: "string",
  getNumberAttribute: "number",
  getBooleanAttribute: "bool",
  getListAttribute: ["list", "string"],
  getNumberListAttribute: ["list", "number"],
  getStringMapAttribute: ["map", "string"],
  getNumberMapAttribute: ["map", "number"],
  getBooleanMapAttribute: ["map", "bool"],
  getAnyMapAttribute: ["map", "string"],
};
for (const [name, type] of Object.entries(getters)) {
  const record = function (attribute) {
    return { attribute, computedType: type };
  };
  Element.prototype[name] = record;
  ComplexObject.prototype[name] = record;
}
for (const prototype of [Element.prototype, ComplexObject.prototype]) {
  prototype.interpolationForAttribute = (attribute) => ({ attribute, computedType: "string" });
}

const cdktf = {
  TerraformResource: Element,
  TerraformDataSource: Element,
  TerraformProvider: Provider,
  ComplexList,
  ComplexMap,
  ComplexObject,
  StringMap: scalars(["map", "string"]),
  NumberMap: scalars(["map", "number"]),
  BooleanMap: scalars(["map", "bool"]),
  StringMapList: scalars(["list", ["map", "string"]]),
  BooleanList: scalars(["list", "bool"]),
  canInspect: () => true,
  isComplexElement: () => false,
  Tokenization: { isResolvable: () => false },
  Token: { asList: (value) => value, asNumberList: (value) => value, asString: (value) => value },
  Fn: { tolist: (value) => setOf(value) },
  stringToHclTerraform: scalar("string"),
  numberToHclTerraform: scalar("number"),
  booleanToHclTerraform: scalar("bool"),
  listMapperHcl: collection,
  hashMapperHcl: collection,
};

// `tolist(x)` marks a set in the bindings: lists of a set's values are read through it.
function setOf(value) {
  if (Array.isArray(value?.computedType) && value.computedType[0] === "list") {
    return { ...value, computedType: ["set", value.computedType[1]] };
  }
  return value;
}

const loadModule = Module._load;
Module._load = (request, ...rest) =>
  request === "cdktf" ? cdktf : loadModule(request, ...rest);

// ---- required or optional, from the .d.ts ---------------------------------------------------

function requiredProperties(declarations) {
  const result = new Map();
  for (const [, name, body] of declarations.matchAll(
    /export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/g,
  )) {
    const required = [...body.matchAll(/^ {4}readonly (\w+)(\??):/gm)]
      .filter(([, , optional]) => optional === "")
      .map(([, property]) => property);
    result.set(name, new Set(required));
  }
  return result;
}

// ---- one block ------------------------------------------------------------------------------

const pascal = (name) => name[0].toUpperCase() + name.slice(1);

function ctyType(attribute, hcl) {
  const value = hcl.value;
  if (hcl.type === "simple") return value.type;
  const element = value.mapper ? structType(attribute, value) : undefined;
  if (element !== undefined) return [hcl.type === "struct" ? "list" : hcl.type, element];
  throw new Error(`attribute ${attribute} has unreadable type ${hcl.storageClassType}`);
}

// Element of a list, set or map attribute: a scalar, or the fields of a nested object.
function structType(attribute, value) {
  const element = value.element;
  if (typeof element?.type === "string" && !("value" in element)) return element.type;
  return [
    "object",
    Object.fromEntries(
      Object.entries(element).map(([name, hcl]) => [name, ctyType(name, hcl)]),
    ),
  ];
}

function blockFrom(hclAttributes, interfaceName, required, depth) {
  if (depth > DEPTH_MAX) {
    throw new Error(`${interfaceName} nests deeper than ${DEPTH_MAX} blocks`);
  }
  const block = { attributes: {}, blocks: {} };
  for (const [name, hcl] of Object.entries(hclAttributes)) {
    if (!hcl.isBlock && !isStruct(hcl)) {
      const isRequired = required.get(interfaceName)?.has(hcl.value.property);
      block.attributes[name] = [ctyType(name, hcl), isRequired ? "required" : "optional"];
      continue;
    }
    const isMany = hcl.value.element !== undefined;
    const inner = isMany ? hcl.value.element : hcl.value;
    const innerName = hcl.storageClassType.replace(/List$|Map$/, "");
    const isRequired = required.get(interfaceName)?.has(propertyOf(name));
    block.blocks[name] = {
      nesting: hcl.type === "struct" ? "single" : hcl.type,
      min: isRequired ? 1 : 0,
      max: isMany || hcl.type === "struct" ? 0 : 1,
      ...blockFrom(inner, innerName, required, depth + 1),
    };
  }
  return block;
}

const isStruct = (hcl) => hcl.type === "struct" && hcl.value.type === undefined;
const propertyOf = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

// ---- computed attributes, from the getters ---------------------------------------------------

function computedType(value, bindings) {
  if (value?.computedType !== undefined) return value.computedType;
  if (value instanceof ComplexList) {
    const element = bindings[value.constructor.name.replace(/(List|Map)$/, "OutputReference")];
    const kind = value.isMap ? "map" : value.wrapsSet ? "set" : "list";
    return [kind, ["object", objectFields(new element(undefined, ""), bindings)]];
  }
  if (value instanceof ComplexObject) {
    return ["list", ["object", objectFields(value, bindings)]];
  }
  return undefined;
}

function readGetters(instance, bindings) {
  const found = {};
  const prototype = Object.getPrototypeOf(instance);
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (property.get === undefined || /Input$|^internalValue$/.test(name)) continue;
    const value = property.get.call(instance);
    const type = computedType(value, bindings);
    if (type !== undefined) found[value.attribute] = type;
  }
  return found;
}

const objectFields = (instance, bindings) => readGetters(instance, bindings);

function extractType(root, folder) {
  const base = path.join(root, "lib", folder);
  const bindings = require(path.resolve(base, "index.js"));
  const required = requiredProperties(fs.readFileSync(path.join(base, "index.d.ts"), "utf8"));
  const [className, Class] = Object.entries(bindings).find(
    ([, value]) => value.prototype instanceof Element,
  );
  const instance = new Class(undefined, "", configured("config"));
  const block = blockFrom(
    Class.prototype.synthesizeHclAttributes.call(configured("this")) ?? {},
    `${className}Config`,
    normalise(required),
    0,
  );
  if (instance instanceof cdktf.TerraformProvider) {
    delete block.attributes.alias; // Terraform's own word, not the provider's.
    return block;
  }
  for (const [name, type] of Object.entries(readGetters(instance, bindings))) {
    if (!(name in block.attributes) && !(name in block.blocks)) {
      block.attributes[name] = [type, "computed"];
    }
  }
  return block;
}

// Private fields are named `_deletionProtection`, properties `deletionProtection`.
function normalise(required) {
  const result = new Map();
  for (const [name, properties] of required) {
    result.set(name, new Set([...properties].flatMap((each) => [each, `_${each}`])));
  }
  return result;
}

// ---- what to extract: every type the configuration uses --------------------------------------

function usedTypes(directory) {
  const types = { resource: new Set(), data: new Set() };
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".tf")) continue;
    const text = fs.readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), "utf8");
    for (const [, kind, type] of text.matchAll(/^(resource|data) "(aws_\w+)"/gm)) {
      types[kind].add(type);
    }
  }
  return types;
}

const folderOf = (type) => type.replace(/^aws_/, "").replaceAll("_", "-");
const sorted = (object) =>
  Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

// One line per type: a change of the provider is a readable diff.
function render(schema) {
  const section = (types) =>
    Object.entries(types).map(([name, block]) => `${JSON.stringify(name)}: ${JSON.stringify(block)}`);
  return [
    "{",
    `"provenance": ${JSON.stringify(schema.provenance)},`,
    `"provider": ${JSON.stringify(schema.provider)},`,
    `"resources": {\n${section(schema.resources).join(",\n")}\n},`,
    `"data_sources": {\n${section(schema.dataSources).join(",\n")}\n}`,
    "}\n",
  ].join("\n");
}

function main(root, configuration, target) {
  if (!root || !fs.existsSync(path.join(root, "package.json"))) {
    process.stderr.write("usage: extract.mjs <unpacked npm package @cdktf/provider-aws>\n");
    process.exit(2);
  }
  const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  const used = usedTypes(configuration);
  const resources = {};
  const dataSources = {};
  for (const type of used.resource) resources[type] = extractType(root, folderOf(type));
  for (const type of used.data) dataSources[type] = extractType(root, `data-aws-${folderOf(type)}`);
  const schema = {
    provenance: {
      source: `npm package ${manifest.name} ${manifest.version}`,
      provider: `hashicorp/aws ${manifest.cdktf.provider.version}`,
      license: "MPL-2.0, see LICENSE.schema.md",
      taken: "names, types and nesting of the resource types used here; no descriptions, no code",
      made_by: "extract.mjs",
    },
    provider: extractType(root, "provider"),
    resources: sorted(resources),
    dataSources: sorted(dataSources),
  };
  fs.writeFileSync(target, render(schema));
  process.stdout.write(
    `${target}: ${Object.keys(resources).length} resource types, ` +
      `${Object.keys(dataSources).length} data sources\n`,
  );
}

const [root, configuration, target] = process.argv.slice(2);
main(
  root,
  configuration ?? path.join(here, ".."),
  target ?? path.join(here, "schema", "aws.json"),
);
