// Made-up values in the shape AWS gives them, for attributes that only the cloud would know.
//
// Every value is plausible and none is real: the account is AWS's documentation account. A value
// that another resource's argument is checked against (an ARN, a DNS name) has its true form, so
// that wiring mistakes show; the rest are words.

import crypto from "node:crypto";

export const ACCOUNT = "123456789012";

const hex = (digits) => crypto.randomBytes(Math.ceil(digits / 2)).toString("hex").slice(0, digits);
const decimal = (digits) => BigInt(`0x${hex(24)}`).toString().padStart(digits, "1").slice(0, digits);

const ID_PREFIX = {
  aws_eip: "eipalloc",
  aws_flow_log: "fl",
  aws_internet_gateway: "igw",
  aws_nat_gateway: "nat",
  aws_route_table: "rtb",
  aws_security_group: "sg",
  aws_default_security_group: "sg",
  aws_subnet: "subnet",
  aws_vpc: "vpc",
  aws_vpc_endpoint: "vpce",
  aws_vpc_security_group_egress_rule: "sgr",
  aws_vpc_security_group_ingress_rule: "sgr",
};

// Types whose identity is one of their own arguments.
const ID_FROM = {
  aws_cloudwatch_log_group: "name",
  aws_cloudwatch_metric_alarm: "alarm_name",
  aws_db_parameter_group: "name",
  aws_db_subnet_group: "name",
  aws_ecr_repository: "name",
  aws_elasticache_parameter_group: "name",
  aws_elasticache_replication_group: "replication_group_id",
  aws_elasticache_subnet_group: "name",
  aws_iam_role: "name",
  aws_kms_alias: "name",
  aws_s3_bucket: "bucket",
};

const ID_IS_ARN = new Set([
  "aws_acm_certificate",
  "aws_ecs_cluster",
  "aws_ecs_service",
  "aws_lb",
  "aws_lb_listener",
  "aws_lb_target_group",
  "aws_secretsmanager_secret",
  "aws_sns_topic",
]);

// type -> [service, resource part of the ARN]
const ARN = {
  aws_acm_certificate: ["acm", () => `certificate/${crypto.randomUUID()}`],
  aws_appautoscaling_target: ["application-autoscaling", () => `scalable-target/${hex(32)}`],
  aws_cloudwatch_log_group: ["logs", (o) => `log-group:${o.name}`],
  aws_cloudwatch_metric_alarm: ["cloudwatch", (o) => `alarm:${o.alarm_name}`],
  aws_cloudwatch_query_definition: ["logs", () => `query-definition:${crypto.randomUUID()}`],
  aws_db_instance: ["rds", (o) => `db:${o.identifier}`],
  aws_ecr_repository: ["ecr", (o) => `repository/${o.name}`],
  aws_ecs_cluster: ["ecs", (o) => `cluster/${o.name}`],
  aws_ecs_service: ["ecs", (o) => `service/${o.name}`],
  aws_ecs_task_definition: ["ecs", (o) => `task-definition/${o.family}:1`],
  aws_elasticache_replication_group: ["elasticache", (o) => `replicationgroup:${o.replication_group_id}`],
  aws_iam_role: ["iam", (o) => `role/${o.name}`],
  aws_kms_key: ["kms", () => `key/${crypto.randomUUID()}`],
  aws_kms_alias: ["kms", (o) => o.name],
  aws_lb: ["elasticloadbalancing", (o) => `loadbalancer/app/${o.name}/${hex(16)}`],
  aws_lb_listener: ["elasticloadbalancing", () => `listener/app/stub/${hex(16)}/${hex(16)}`],
  aws_lb_target_group: ["elasticloadbalancing", (o) => `targetgroup/${o.name}/${hex(16)}`],
  aws_s3_bucket: ["s3", (o) => o.bucket],
  aws_secretsmanager_secret: ["secretsmanager", (o) => `secret:${o.name}-${hex(6)}`],
  aws_sns_topic: ["sns", (o) => o.name],
};
const GLOBAL_SERVICES = new Set(["iam"]);

function arnOf(type, object, region) {
  const [service, part] = ARN[type] ?? ["ec2", () => `${type.replace("aws_", "")}/${hex(17)}`];
  if (service === "s3") {
    return `arn:aws:s3:::${part(object)}`;
  }
  return `arn:aws:${service}:${GLOBAL_SERVICES.has(service) ? "" : region}:${ACCOUNT}:${part(object)}`;
}

const SPECIAL = {
  "aws_acm_certificate.domain_validation_options": (o) => [
    {
      domain_name: o.domain_name,
      resource_record_name: `_${hex(32)}.${o.domain_name}.`,
      resource_record_type: "CNAME",
      resource_record_value: `_${hex(32)}.acm-validations.aws.`,
    },
  ],
  "aws_db_instance.address": (o, region) => `${o.identifier}.${hex(12)}.${region}.rds.amazonaws.com`,
  "aws_db_instance.endpoint": (o) => `${o.address}:${o.port ?? 5432}`,
  "aws_db_instance.master_user_secret": (o, region) => [
    {
      kms_key_id: o.master_user_secret_kms_key_id ?? null,
      secret_arn: `arn:aws:secretsmanager:${region}:${ACCOUNT}:secret:rds!db-${crypto.randomUUID()}-${hex(6)}`,
      secret_status: "active",
    },
  ],
  "aws_db_instance.port": () => 5432,
  "aws_ecr_repository.registry_id": () => ACCOUNT,
  "aws_ecr_repository.repository_url": (o, region) =>
    `${ACCOUNT}.dkr.ecr.${region}.amazonaws.com/${o.name}`,
  "aws_ecs_task_definition.revision": () => 1,
  "aws_elasticache_replication_group.primary_endpoint_address": (o, region) =>
    `master.${o.replication_group_id}.${hex(6)}.${region}.cache.amazonaws.com`,
  "aws_elasticache_replication_group.reader_endpoint_address": (o, region) =>
    `replica.${o.replication_group_id}.${hex(6)}.${region}.cache.amazonaws.com`,
  "aws_eip.public_ip": () => "203.0.113.10",
  "aws_kms_key.policy": () =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    }),
  "aws_kms_key.key_id": (o) => o.arn.split("/")[1],
  "aws_lb.arn_suffix": (o) => o.arn.split(":loadbalancer/")[1],
  "aws_lb.dns_name": (o, region) => `${o.name}-${decimal(9)}.${region}.elb.amazonaws.com`,
  "aws_lb.zone_id": () => "Z1H1FL5HABSF5",
  "aws_lb_target_group.arn_suffix": (o) => o.arn.split(":").at(-1),
  "aws_vpc_endpoint.prefix_list_id": () => `pl-${hex(8)}`,
};

// Attributes whose neighbours are made from them come first.
const ORDER = ["name", "bucket", "identifier", "arn", "id", "address"];

export const fillOrder = (names) =>
  [...names].sort((a, b) => (ORDER.indexOf(a) + 1 || 99) - (ORDER.indexOf(b) + 1 || 99));

// A value for one computed attribute. `object` holds the arguments and what was filled before.
export function madeUp(type, name, ctyType, object, region) {
  const special = SPECIAL[`${type}.${name}`];
  if (special !== undefined) {
    return special(object, region);
  }
  if (name === "id") {
    if (ID_IS_ARN.has(type)) return object.arn;
    if (type === "aws_kms_key") return object.arn.split("/")[1];
    return object[ID_FROM[type]] ?? `${ID_PREFIX[type] ?? type.replace("aws_", "")}-0${hex(16)}`;
  }
  if (name === "name" || name === "bucket") {
    return (object[`${name}_prefix`] ?? "stub-") + decimal(20);
  }
  if (ctyType === "string") {
    if (name === "arn") return arnOf(type, object, region);
    if (name.endsWith("_arn")) return `arn:aws:stub:${region}:${ACCOUNT}:${name}/${hex(8)}`;
    if (name === "region") return region;
    if (name.endsWith("_prefix")) return "";
    return `stub-${name.replaceAll("_", "-")}`;
  }
  if (ctyType === "number") return 0;
  if (ctyType === "bool") return false;
  return ctyType[0] === "map" ? {} : [];
}

// type -> what the data source answers, given its arguments.
export const DATA_SOURCES = {
  aws_availability_zones: (config, region) => ({
    names: ["a", "b", "c", "d"].map((zone) => region + zone),
    zone_ids: ["az1", "az2", "az3", "az4"].map((zone) => `usw2-${zone}`),
    group_names: [`${region}-zg-1`],
    id: region,
  }),
  aws_caller_identity: () => ({
    account_id: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:user/stub`,
    user_id: "AIDASTUB",
    id: ACCOUNT,
  }),
  aws_partition: () => ({
    partition: "aws",
    dns_suffix: "amazonaws.com",
    reverse_dns_prefix: "com.amazonaws",
    id: "aws",
  }),
  aws_region: (config, region) => ({ region, name: region, description: "stub", id: region }),
};
