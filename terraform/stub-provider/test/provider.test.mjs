// The provider's calls, as Terraform makes them, without Terraform.

import assert from "node:assert/strict";
import test from "node:test";
import * as msgpack from "../src/msgpack.mjs";
import { bytes, decode, message, one, string, text } from "../src/protobuf.mjs";
import { createProvider } from "../src/provider.mjs";
import { brokenRules, ruleNames } from "../src/rules.mjs";
import { loadSchema } from "../src/schema.mjs";

const { UNKNOWN } = msgpack;
const schema = loadSchema();
const provider = createProvider(schema);
const ask = async (name, ...fields) =>
  decode(await provider.get(`/tfplugin5.Provider/${name}`)(message(...fields)));
const value = (field, object) => bytes(field, bytes(1, msgpack.encode(object)));
const valueIn = (fields, field) => msgpack.decode(one(decode(one(fields, field)), 1));

// All attributes and blocks present, as Terraform sends them; unset ones null or empty.
function whole(block, given) {
  const object = {};
  for (const name of Object.keys(block.attributes)) object[name] = given[name] ?? null;
  for (const [name, nested] of Object.entries(block.blocks)) {
    object[name] = nested.nesting === "single" ? null : (given[name] ?? []).map((one) => whole(nested, one));
  }
  return object;
}
const object = (type, given) => whole(schema.resources.get(type).block, given);

async function plan(type, prior, proposed) {
  const answer = await ask("PlanResourceChange", string(1, type), value(2, prior), value(3, proposed), value(4, proposed));
  const replaces = (answer.get(2) ?? []).map((path) => text(decode(one(decode(path), 1)), 1));
  return { planned: valueIn(answer, 1), replaces };
}

async function create(type, given) {
  const { planned } = await plan(type, null, object(type, given));
  return valueIn(await ask("ApplyResourceChange", string(1, type), value(2, null), value(3, planned)), 1);
}

test("The schema names every type of the configuration", async () => {
  const answer = await ask("GetSchema");
  assert.equal(answer.get(2).length, schema.resources.size);
  assert.equal(answer.get(3).length, schema.dataSources.size);
  const names = answer.get(2).map((entry) => text(decode(entry), 1));
  assert.ok(names.includes("aws_ecs_service"));
});

test("A new object's computed attributes are unknown until it is made", async () => {
  const { planned, replaces } = await plan("aws_lb", null, object("aws_lb", { name: "x-alb" }));
  assert.equal(planned.arn, UNKNOWN);
  assert.equal(planned.dns_name, UNKNOWN);
  assert.equal(planned.name, "x-alb");
  assert.deepEqual(replaces, []);
  const made = await create("aws_lb", { name: "x-alb" });
  assert.match(made.arn, /^arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer\/app\/x-alb\//);
  assert.equal(made.id, made.arn);
  assert.equal(made.arn_suffix, made.arn.split(":loadbalancer/")[1]);
  assert.match(made.dns_name, /^x-alb-\d+\.us-west-2\.elb\.amazonaws\.com$/);
  assert.doesNotMatch(JSON.stringify(made), /unknown/);
});

test("Two objects of one type differ in their ids", async () => {
  assert.notEqual((await create("aws_subnet", {})).id, (await create("aws_subnet", {})).id);
});

test("A change keeps what was computed, and says when it needs a new object", async () => {
  const made = await create("aws_db_instance", { identifier: "a", instance_class: "db.t4g.medium", engine: "postgres" });
  const larger = await plan("aws_db_instance", made, { ...made, instance_class: "db.m7g.large" });
  assert.equal(larger.planned.arn, made.arn);
  assert.deepEqual(larger.replaces, []);
  const other = await plan("aws_db_instance", made, { ...made, engine: "mysql" });
  assert.deepEqual(other.replaces, ["engine"]);
});

test("Write-only values reach neither plan nor state", async () => {
  const given = { secret_id: "s", secret_string_wo: "hush", secret_string_wo_version: 1 };
  const { planned } = await plan(
    "aws_secretsmanager_secret_version",
    null,
    object("aws_secretsmanager_secret_version", given),
  );
  assert.equal(planned.secret_string_wo, null);
  assert.equal(schema.resources.get("aws_secretsmanager_secret_version").block.attributes.secret_string_wo.writeOnly, true);
});

test("Default tags are merged below an object's own", async () => {
  const fresh = createProvider(schema);
  const config = whole(schema.provider.block, { region: "eu-west-1", default_tags: [{ tags: { Project: "p", Tier: "all" } }] });
  await fresh.get("/tfplugin5.Provider/Configure")(message(value(2, config)));
  const proposed = object("aws_vpc", { cidr_block: "10.0.0.0/16", tags: { Tier: "own" } });
  const request = message(string(1, "aws_vpc"), value(2, null), value(3, proposed), value(4, proposed));
  const answer = decode(await fresh.get("/tfplugin5.Provider/PlanResourceChange")(request));
  assert.deepEqual(valueIn(answer, 1).tags_all, { Project: "p", Tier: "own" });
});

test("Deleting, reading and upgrading give back what they get", async () => {
  assert.equal((await plan("aws_vpc", await create("aws_vpc", {}), null)).planned, null);
  const state = await create("aws_vpc", { cidr_block: "10.0.0.0/16" });
  const read = await ask("ReadResource", string(1, "aws_vpc"), value(2, state));
  assert.deepEqual(valueIn(read, 1), state);
  const stored = Buffer.from('{"id":"vpc-1"}');
  const upgraded = await ask("UpgradeResourceState", string(1, "aws_vpc"), bytes(3, bytes(1, stored)));
  assert.equal(one(decode(one(upgraded, 1)), 2).toString(), stored.toString());
});

test("Data sources answer, with the region of the provider", async () => {
  const config = whole(schema.dataSources.get("aws_availability_zones").block, { state: "available" });
  const answer = await ask("ReadDataSource", string(1, "aws_availability_zones"), value(2, config));
  assert.deepEqual(valueIn(answer, 1).names.slice(0, 2), ["us-west-2a", "us-west-2b"]);
  assert.equal(valueIn(answer, 1).state, "available");
});

test("A broken rule is a diagnostic that names the argument, the value and what it takes", async () => {
  const config = object("aws_lb", { idle_timeout: 9000 });
  const answer = await ask("ValidateResourceTypeConfig", string(1, "aws_lb"), value(2, config));
  const complaint = decode(one(answer, 1));
  assert.equal(one(complaint, 1), 1n);
  assert.match(text(complaint, 3), /aws_lb\.idle_timeout = 9000: expected a number from 1 to 4000/);
});

test("An attribute that is only read cannot be configured", async () => {
  const answer = async (given) =>
    (await ask("ValidateResourceTypeConfig", string(1, "aws_vpc"), value(2, object("aws_vpc", given)))).get(1) ?? [];
  assert.equal((await answer({ cidr_block: "10.0.0.0/16" })).length, 0);
  const complaints = await answer({ arn: "arn:aws:ec2:x" });
  assert.equal(complaints.length, 1);
  assert.match(text(decode(complaints[0]), 3), /Can't configure a value for "arn"/);
});

test("Rules see into blocks, across arguments, and past what is unknown", () => {
  const check = (given) => brokenRules("aws_lb_target_group", object("aws_lb_target_group", given)).length;
  assert.equal(check({ health_check: [{ interval: 10, timeout: 5 }] }), 0);
  assert.equal(check({ health_check: [{ interval: 10, timeout: 10 }] }), 1);
  assert.equal(check({ health_check: [{ interval: 1 }] }), 1);
  assert.equal(check({ name_prefix: "too-long" }), 1);
  assert.equal(check({ name_prefix: UNKNOWN }), 0);
  const rule = (given) => brokenRules("aws_vpc_security_group_ingress_rule", given).length;
  assert.equal(rule({ cidr_ipv4: "10.0.0.0/8" }), 0);
  assert.equal(rule({ cidr_ipv4: UNKNOWN, prefix_list_id: null }), 0);
  assert.equal(rule({ cidr_ipv4: "10.0.0.0/8", referenced_security_group_id: "sg-1" }), 1);
  assert.equal(rule({}), 1);
});

test("Every rule is about an argument that exists", () => {
  for (const name of ruleNames()) {
    const [type, ...path] = name.split(".");
    let block = schema.resources.get(type)?.block;
    assert.ok(block, `${name}: no such type`);
    for (const step of path.slice(0, -1)) block = block.blocks[step];
    if (path.length > 0) assert.ok(path.at(-1) in block.attributes, `${name}: no such argument`);
  }
});

test("An unknown type is an error, not a success", async () => {
  const answer = await ask("ValidateResourceTypeConfig", string(1, "aws_nothing"), value(2, {}));
  assert.equal(text(decode(one(answer, 1)), 2), "Unknown type");
});
