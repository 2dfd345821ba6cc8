// Checks of the real provider that no schema tells: enumerations, ranges, lengths, conflicts.
//
// Only rules of arguments that the configuration sets, each from AWS's own documentation of the
// argument. They make a wrong value fail here as it would fail there; a value without a rule is
// not checked at all.

import { UNKNOWN } from "./msgpack.mjs";

const oneOf = (...allowed) => (value) =>
  allowed.includes(value) ? undefined : `expected one of ${allowed.join(", ")}`;

const between = (low, high) => (value) =>
  value >= low && value <= high ? undefined : `expected a number from ${low} to ${high}`;

const matching = (pattern, words) => (value) => (pattern.test(value) ? undefined : `expected ${words}`);

const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];
const arn = matching(/^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+/, "an ARN");
const json = (value) => {
  try {
    JSON.parse(value);
    return undefined;
  } catch {
    return "expected JSON";
  }
};

// "type.argument" or "type.block.argument" -> check
const RULES = {
  "aws_acm_certificate.validation_method": oneOf("DNS", "EMAIL"),
  "aws_appautoscaling_policy.policy_type": oneOf("StepScaling", "TargetTrackingScaling", "PredictiveScaling"),
  "aws_cloudwatch_log_group.name": matching(/^[A-Za-z0-9._/#-]{1,512}$/, "a log group name"),
  "aws_cloudwatch_log_group.retention_in_days": oneOf(0, ...LOG_RETENTION_DAYS),
  "aws_cloudwatch_log_metric_filter.pattern": matching(/^[^]{0,1024}$/, "at most 1024 characters"),
  "aws_cloudwatch_metric_alarm.alarm_name": matching(/^[^]{1,255}$/, "1 to 255 characters"),
  "aws_cloudwatch_metric_alarm.comparison_operator": oneOf(
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold",
    "LessThanOrEqualToThreshold",
  ),
  "aws_cloudwatch_metric_alarm.extended_statistic": matching(/^p\d{1,2}(\.\d+)?$/, "p0.0 to p100"),
  "aws_cloudwatch_metric_alarm.treat_missing_data": oneOf("missing", "ignore", "breaching", "notBreaching"),
  "aws_cloudwatch_query_definition.name": matching(/^[^:*]{1,255}$/, "no colon and no asterisk, 1 to 255 characters"),
  "aws_cloudwatch_query_definition.query_string": matching(/^[^]{1,10000}$/, "1 to 10000 characters"),
  "aws_db_instance.backup_retention_period": between(0, 35),
  "aws_db_instance.db_name": matching(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, "letters, digits and underscores, first a letter"),
  "aws_db_instance.identifier": matching(/^[a-z](?!.*--)[a-z0-9-]{0,62}$/, "lower-case letters, digits and single hyphens"),
  "aws_db_instance.monitoring_interval": oneOf(0, 1, 5, 10, 15, 30, 60),
  "aws_db_instance.username": matching(/^(?!rds)[A-Za-z][A-Za-z0-9_]{0,62}$/, "a name that PostgreSQL on RDS does not reserve"),
  "aws_db_parameter_group.name_prefix": matching(/^[a-z][a-z0-9-]{0,228}$/, "lower-case letters, digits and hyphens"),
  "aws_ecr_repository.image_tag_mutability": oneOf("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"),
  "aws_ecr_repository.encryption_configuration.encryption_type": oneOf("AES256", "KMS", "KMS_DSSE"),
  "aws_ecs_cluster.setting.value": oneOf("enabled", "enhanced", "disabled"),
  "aws_ecs_service.availability_zone_rebalancing": oneOf("ENABLED", "DISABLED"),
  "aws_ecs_service.launch_type": oneOf("EC2", "FARGATE", "EXTERNAL"),
  "aws_ecs_service.propagate_tags": oneOf("SERVICE", "TASK_DEFINITION", "NONE"),
  "aws_ecs_task_definition.container_definitions": json,
  "aws_ecs_task_definition.network_mode": oneOf("bridge", "host", "awsvpc", "none"),
  "aws_ecs_task_definition.runtime_platform.cpu_architecture": oneOf("X86_64", "ARM64"),
  "aws_elasticache_replication_group.auth_token": matching(/^[A-Za-z0-9!&#$^<>-]{16,128}$/, "16 to 128 characters of letters, digits and !&#$^<>-"),
  "aws_elasticache_replication_group.auth_token_update_strategy": oneOf("SET", "ROTATE", "DELETE"),
  "aws_elasticache_replication_group.replication_group_id": matching(/^[a-z](?!.*--)[a-z0-9-]{0,39}(?<!-)$/, "1 to 40 lower-case letters, digits and single hyphens"),
  "aws_elasticache_replication_group.transit_encryption_mode": oneOf("preferred", "required"),
  "aws_flow_log.max_aggregation_interval": oneOf(60, 600),
  "aws_flow_log.traffic_type": oneOf("ACCEPT", "REJECT", "ALL"),
  "aws_iam_role.assume_role_policy": json,
  "aws_iam_role.name": matching(/^[\w+=,.@-]{1,64}$/, "1 to 64 characters"),
  "aws_iam_role_policy.policy": json,
  "aws_kms_alias.name": matching(/^alias\/(?!aws)[\w/-]+$/, "alias/ and a name that does not begin with aws"),
  "aws_kms_key.deletion_window_in_days": between(7, 30),
  "aws_kms_key.policy": json,
  "aws_kms_key.rotation_period_in_days": between(90, 2560),
  "aws_lb.client_keep_alive": between(60, 604800),
  "aws_lb.desync_mitigation_mode": oneOf("monitor", "defensive", "strictest"),
  "aws_lb.idle_timeout": between(1, 4000),
  "aws_lb.name": matching(/^(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/, "at most 32 letters, digits and inner hyphens"),
  "aws_lb.xff_header_processing_mode": oneOf("append", "preserve", "remove"),
  "aws_lb_listener.load_balancer_arn": arn,
  "aws_lb_listener.port": between(1, 65535),
  "aws_lb_listener.protocol": oneOf("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"),
  "aws_lb_target_group.health_check.interval": between(5, 300),
  "aws_lb_target_group.health_check.timeout": between(2, 120),
  "aws_lb_target_group.health_check.healthy_threshold": between(2, 10),
  "aws_lb_target_group.health_check.unhealthy_threshold": between(2, 10),
  "aws_lb_target_group.load_balancing_algorithm_type": oneOf("round_robin", "least_outstanding_requests", "weighted_random"),
  "aws_lb_target_group.name_prefix": matching(/^[A-Za-z0-9][A-Za-z0-9-]{0,5}$/, "at most 6 letters, digits and hyphens"),
  "aws_lb_target_group.protocol_version": oneOf("HTTP1", "HTTP2", "GRPC"),
  "aws_lb_target_group.target_type": oneOf("instance", "ip", "lambda", "alb"),
  "aws_secretsmanager_secret.recovery_window_in_days": (days) =>
    days === 0 || (days >= 7 && days <= 30) ? undefined : "expected 0 or 7 to 30",
  "aws_security_group.name_prefix": matching(/^(?!sg-)[^]{1,100}$/, "at most 100 characters, not beginning with sg-"),
  "aws_security_group.description": matching(/^[\w .:/()#,@[\]+=&;{}!$*-]{0,255}$/, "the characters AWS allows in descriptions"),
  "aws_vpc_endpoint.vpc_endpoint_type": oneOf("Gateway", "GatewayLoadBalancer", "Interface", "Resource", "ServiceNetwork"),
  "aws_vpc_security_group_egress_rule.ip_protocol": oneOf("-1", "tcp", "udp", "icmp", "icmpv6"),
  "aws_vpc_security_group_ingress_rule.ip_protocol": oneOf("-1", "tcp", "udp", "icmp", "icmpv6"),
};

// type -> conditions on the whole object
const isSet = (value) => value !== null && value !== undefined && value !== "";
const exactlyOne = (...names) => (config) =>
  config === null || names.filter((name) => isSet(config[name])).length === 1
    ? undefined
    : `exactly one of ${names.join(", ")} must be set`;
const atMostOne = (...names) => (config) =>
  names.filter((name) => isSet(config[name])).length <= 1
    ? undefined
    : `only one of ${names.join(", ")} can be set`;
const RULE_SOURCES = ["cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"];

const WHOLE_OBJECT_RULES = {
  aws_cloudwatch_metric_alarm: [atMostOne("statistic", "extended_statistic")],
  aws_db_instance: [
    atMostOne("password", "manage_master_user_password"),
    (config) =>
      config.skip_final_snapshot === false && !isSet(config.final_snapshot_identifier)
        ? "final_snapshot_identifier is needed when skip_final_snapshot is false"
        : undefined,
  ],
  aws_elasticache_replication_group: [
    atMostOne("num_cache_clusters", "num_node_groups"),
    (config) =>
      config.automatic_failover_enabled === true && config.num_cache_clusters < 2
        ? "automatic_failover_enabled needs num_cache_clusters of at least 2"
        : undefined,
  ],
  aws_lb_listener: [
    (config) =>
      config.protocol === "HTTPS" && !isSet(config.certificate_arn)
        ? "an HTTPS listener needs certificate_arn"
        : undefined,
    (config) =>
      config.protocol === "HTTP" && isSet(config.ssl_policy)
        ? "ssl_policy belongs to HTTPS listeners only"
        : undefined,
  ],
  aws_lb_target_group: [
    (config) =>
      config.load_balancing_algorithm_type === "least_outstanding_requests" && config.slow_start > 0
        ? "slow_start cannot be combined with least_outstanding_requests"
        : undefined,
    (config) =>
      config.health_check?.some?.((check) => check.timeout >= check.interval)
        ? "the health check's timeout must be below its interval"
        : undefined,
  ],
  aws_vpc_security_group_egress_rule: [exactlyOne(...RULE_SOURCES)],
  aws_vpc_security_group_ingress_rule: [exactlyOne(...RULE_SOURCES)],
};

function valuesAt(object, path) {
  const [head, ...rest] = path;
  const value = object?.[head] ?? null;
  if (value === null || value === UNKNOWN) return [];
  if (rest.length === 0) return [value];
  return (Array.isArray(value) ? value : [value]).flatMap((each) => valuesAt(each, rest));
}

// The diagnostics for one configured object: {summary, detail, attribute}.
export function brokenRules(type, config) {
  const broken = [];
  for (const [path, check] of Object.entries(RULES)) {
    const [ruleType, ...names] = path.split(".");
    if (ruleType !== type) continue;
    for (const value of valuesAt(config, names)) {
      const complaint = check(value);
      if (complaint !== undefined) {
        const detail = `${path} = ${JSON.stringify(value)}: ${complaint}.`;
        broken.push({ summary: "Invalid value", detail, attribute: names[0] });
      }
    }
  }
  for (const rule of WHOLE_OBJECT_RULES[type] ?? []) {
    const complaint = rule(config);
    if (complaint !== undefined) {
      broken.push({ summary: "Invalid combination", detail: `${type}: ${complaint}.` });
    }
  }
  return broken;
}

export const ruleNames = () => [...Object.keys(RULES), ...Object.keys(WHOLE_OBJECT_RULES)];
