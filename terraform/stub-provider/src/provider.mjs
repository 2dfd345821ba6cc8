// The stub of the AWS provider: every call Terraform makes of a provider, answered without a cloud.
//
// It keeps no state. A plan is the proposed object with the computed attributes unknown; an apply
// replaces the unknowns by made-up values; reading and upgrading give back what Terraform stored.
// What it checks is the schema (by Terraform itself) and the rules in rules.mjs.

import * as msgpack from "./msgpack.mjs";
import { boolean, bytes, decode, integer, message, one, string, text } from "./protobuf.mjs";
import { brokenRules } from "./rules.mjs";
import { schemaResponse } from "./schema.mjs";
import { DATA_SOURCES, fillOrder, madeUp } from "./values.mjs";

const { UNKNOWN } = msgpack;
const SERVICE = "/tfplugin5.Provider/";
const EMPTY = Buffer.alloc(0);
const SEVERITY_ERROR = 1;

// ---- messages shared by many calls -----------------------------------------------------------

const dynamicValue = (value) => bytes(1, msgpack.encode(value));

// A DynamicValue of the request, or null when it is absent.
function valueOf(fields, field) {
  const packed = fields.has(field) ? one(decode(one(fields, field)), 1) : undefined;
  return packed === undefined || packed.length === 0 ? null : msgpack.decode(packed);
}

const attributePath = (name) => bytes(1, string(1, name));

function diagnostic({ summary, detail, attribute }) {
  return message(
    integer(1, SEVERITY_ERROR),
    string(2, summary),
    string(3, detail),
    bytes(4, attribute ? attributePath(attribute) : undefined),
  );
}

const diagnostics = (field, list) => message(...list.map((each) => bytes(field, diagnostic(each))));

// ---- walking an object by its schema -----------------------------------------------------------

const same = (a, b) => JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));

function canonical(value) {
  if (value === null || typeof value !== "object" || value === UNKNOWN) {
    return typeof value === "bigint" ? value.toString() : value;
  }
  if (Array.isArray(value)) return value.map(canonical);
  return Object.fromEntries(Object.entries(value).sort().map(([k, v]) => [k, canonical(v)]));
}

const elements = (nested) => (Array.isArray(nested) ? nested : nested === null ? [] : [nested]);

// Calls visit(object, name, attribute) for each attribute of the object and of its blocks.
function eachAttribute(block, object, visit) {
  for (const name of fillOrder(Object.keys(block.attributes))) {
    visit(object, name, block.attributes[name]);
  }
  for (const [name, nested] of Object.entries(block.blocks)) {
    if (object[name] === UNKNOWN) continue;
    elements(object[name] ?? null).forEach((element) => {
      if (element !== UNKNOWN) eachAttribute(nested, element, visit);
    });
  }
}

function mergedTags(defaults, tags) {
  if (tags === UNKNOWN) return UNKNOWN;
  const merged = { ...defaults, ...(tags ?? {}) };
  return Object.values(merged).includes(UNKNOWN) ? UNKNOWN : merged;
}

// Attributes that are only read cannot be configured. Terraform leaves that check to the provider.
function decidedByAws(block, config) {
  return Object.entries(block.attributes)
    .filter(([name, attribute]) => attribute.computed && !attribute.optional && config[name] !== null)
    .map(([name]) => ({
      summary: "Invalid value",
      detail: `Can't configure a value for "${name}": it is decided by the result of applying.`,
      attribute: name,
    }));
}

// ---- the provider ------------------------------------------------------------------------------

export function createProvider(schema) {
  const schemaBytes = schemaResponse(schema); // Every command asks for it.
  let region = "us-west-2";
  let defaultTags = {};

  function configure(config) {
    region = config.region ?? region;
    defaultTags = config.default_tags?.[0]?.tags ?? {};
  }

  function resource(type) {
    const found = schema.resources.get(type);
    if (found === undefined) {
      throw new Error(`${type} is not in schema/aws.json: run extract.mjs`);
    }
    return found;
  }

  function plan(typeName, prior, proposed, config) {
    if (proposed === null) {
      return { planned: null, replaces: [] };
    }
    const type = resource(typeName);
    const isCreate = prior === null;
    eachAttribute(type.block, proposed, (object, name, attribute) => {
      if (attribute.writeOnly) {
        object[name] = null; // Terraform enforces that it never reaches plan or state.
      } else if (attribute.computed && object[name] === null) {
        object[name] = isCreate ? UNKNOWN : object[name];
      }
    });
    if ("tags_all" in type.block.attributes) {
      proposed.tags_all = mergedTags(defaultTags, config.tags ?? null);
    }
    if (proposed.region === UNKNOWN) {
      proposed.region = region;
    }
    const replaces = isCreate
      ? []
      : type.replaces.filter((name) => !same(prior[name], proposed[name]));
    return { planned: proposed, replaces };
  }

  function apply(typeName, planned) {
    if (planned === null) {
      return null;
    }
    eachAttribute(resource(typeName).block, planned, (object, name, attribute) => {
      if (attribute.writeOnly) {
        object[name] = null;
      } else if (object[name] === UNKNOWN) {
        object[name] = madeUp(typeName, name, attribute.type, object, region);
      }
    });
    return planned;
  }

  function readData(typeName, config) {
    const answer = DATA_SOURCES[typeName];
    if (answer === undefined) {
      throw new Error(`data source ${typeName} has no fixed answer in values.mjs`);
    }
    const { block } = schema.dataSources.get(typeName);
    const unset = Object.fromEntries(Object.keys(block.attributes).map((name) => [name, null]));
    const given = Object.fromEntries(
      Object.entries(answer(config, region)).filter(([name]) => name in block.attributes),
    );
    return { ...unset, ...config, ...given };
  }

  const validate = (types) => (request) => {
    const fields = decode(request);
    const typeName = text(fields, 1);
    if (!types.has(typeName)) {
      return diagnostics(1, [{ summary: "Unknown type", detail: typeName }]);
    }
    const config = valueOf(fields, 2);
    const { block } = types.get(typeName);
    return diagnostics(1, [...decidedByAws(block, config), ...brokenRules(typeName, config)]);
  };

  const calls = {
    GetSchema: () => schemaBytes,
    PrepareProviderConfig: (request) => bytes(1, one(decode(request), 1)),
    Configure: (request) => {
      configure(valueOf(decode(request), 2));
      return EMPTY;
    },
    ValidateResourceTypeConfig: validate(schema.resources),
    ValidateDataSourceConfig: validate(schema.dataSources),
    UpgradeResourceState: (request) => {
      const stored = one(decode(one(decode(request), 3)), 1);
      return bytes(1, bytes(2, stored)); // DynamicValue.json
    },
    ReadResource: (request) => {
      const fields = decode(request);
      return message(bytes(1, one(fields, 2)), bytes(3, one(fields, 3)));
    },
    PlanResourceChange: (request) => {
      const fields = decode(request);
      const { planned, replaces } = plan(
        text(fields, 1),
        valueOf(fields, 2),
        valueOf(fields, 3),
        valueOf(fields, 4),
      );
      return message(
        bytes(1, dynamicValue(planned)),
        ...replaces.map((name) => bytes(2, attributePath(name))),
        boolean(5, true), // The AWS provider's looser type system: null and "" may differ.
      );
    },
    ApplyResourceChange: (request) => {
      const fields = decode(request);
      const next = apply(text(fields, 1), valueOf(fields, 3));
      return message(bytes(1, dynamicValue(next)), boolean(4, true));
    },
    ReadDataSource: (request) => {
      const fields = decode(request);
      return bytes(1, dynamicValue(readData(text(fields, 1), valueOf(fields, 2))));
    },
    Stop: () => EMPTY,
  };
  return new Map(
    Object.entries(calls).map(([name, call]) => [SERVICE + name, async (body) => call(body)]),
  );
}
