# Every input, with a default that makes `terraform init`, `plan` and `apply` work without flags.
# Each rule below names the variable, the value it got and what it takes.

# ---- general -------------------------------------------------------------------------------------

variable "name" {
  description = "Name of the deployment and prefix of every resource's name."
  type        = string
  default     = "sidekick"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 20
    error_message = "name = \"${var.name}\": must be 1 to 20 lower-case letters, digits and single inner hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-west-2"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region = \"${var.region}\": must be the code of an AWS region, such as us-west-2."
  }
}

variable "tags" {
  description = "Further tags for every resource."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:") && length(key) <= 128])
    error_message = "tags has the keys ${join(", ", keys(var.tags))}: must be at most 128 characters and not begin with aws:."
  }
}

variable "app_version" {
  description = "Version that GET / reports; the smoke test compares it."
  type        = string
  default     = "1.2.0"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.app_version))
    error_message = "app_version = \"${var.app_version}\": must be three numbers, such as 1.2.0."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete database and load balancer. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days for which every log group keeps its lines."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days = ${var.log_retention_days}: CloudWatch takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

# ---- network -------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Address range of the VPC."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition = (
      can(cidrhost(var.vpc_cidr, 0)) && try(cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0], false) &&
      try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    )
    error_message = "vpc_cidr = \"${var.vpc_cidr}\": must be an IPv4 network of /16 to /20 without host bits, such as 10.0.0.0/16."
  }
}

variable "az_count" {
  description = "Availability zones to span."
  type        = number
  default     = 2

  validation {
    condition     = contains([2, 3], var.az_count)
    error_message = "az_count = ${var.az_count}: must be 2 or 3."
  }
}

variable "nat_mode" {
  description = "single: one NAT gateway; per_az: one in each zone; none: interface endpoints only."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["single", "per_az", "none"], var.nat_mode)
    error_message = "nat_mode = \"${var.nat_mode}\": must be single, per_az or none."
  }
}

variable "interface_endpoints" {
  description = "AWS services to reach inside the VPC rather than through NAT."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.interface_endpoints, ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms", "ssmmessages", "monitoring"])) == 0
    error_message = "interface_endpoints = ${jsonencode(var.interface_endpoints)}: takes ecr.api, ecr.dkr, logs, secretsmanager, kms, ssmmessages and monitoring."
  }

  validation {
    condition     = var.nat_mode != "none" || length(setsubtract(["ecr.api", "ecr.dkr", "logs", "secretsmanager"], var.interface_endpoints)) == 0
    error_message = "interface_endpoints = ${jsonencode(var.interface_endpoints)}: with nat_mode = \"none\" a task reaches AWS only through endpoints, so ecr.api, ecr.dkr, logs and secretsmanager are all needed."
  }

  validation {
    condition     = var.nat_mode != "none" || !var.enable_execute_command || contains(var.interface_endpoints, "ssmmessages")
    error_message = "interface_endpoints = ${jsonencode(var.interface_endpoints)}: enable_execute_command with nat_mode = \"none\" needs ssmmessages too."
  }
}

variable "ingress_cidrs" {
  description = "IPv4 ranges from which clients may reach the load balancer."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrnetmask(cidr))])
    error_message = "ingress_cidrs = ${jsonencode(var.ingress_cidrs)}: must be one or more IPv4 networks, such as 203.0.113.0/24."
  }
}

# ---- load balancer -------------------------------------------------------------------------------

variable "certificate_arn" {
  description = "Certificate in ACM. Without one, and without domain_name, the service speaks plain HTTP."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:${var.region}:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "certificate_arn = \"${coalesce(var.certificate_arn, "null")}\": must be the ARN of an ACM certificate in ${var.region}."
  }
}

variable "domain_name" {
  description = "Name that shall point at the load balancer; a certificate is made for it."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name = \"${coalesce(var.domain_name, "null")}\": must be a host name such as app.example.com."
  }

  validation {
    condition     = (var.domain_name == null) == (var.zone_id == null)
    error_message = "domain_name = \"${coalesce(var.domain_name, "null")}\", zone_id = \"${coalesce(var.zone_id, "null")}\": must be given together."
  }
}

variable "zone_id" {
  description = "Route 53 zone of domain_name."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null || can(regex("^Z[A-Z0-9]{1,31}$", var.zone_id))
    error_message = "zone_id = \"${coalesce(var.zone_id, "null")}\": must be the id of a Route 53 zone: Z and up to 31 capitals and digits."
  }
}

variable "access_logs" {
  description = "Keep the load balancer's access and connection logs for 90 days."
  type        = bool
  default     = false
}

variable "desync_mitigation_mode" {
  description = "What the load balancer does with ambiguous requests: monitor, defensive or strictest."
  type        = string
  default     = "defensive"

  validation {
    condition     = contains(["monitor", "defensive", "strictest"], var.desync_mitigation_mode)
    error_message = "desync_mitigation_mode = \"${var.desync_mitigation_mode}\": must be monitor, defensive or strictest."
  }
}

variable "alb_idle_timeout_seconds" {
  description = "Idle time after which the load balancer closes a connection."
  type        = number
  default     = 60

  validation {
    condition     = var.alb_idle_timeout_seconds >= 1 && var.alb_idle_timeout_seconds <= 4000
    error_message = "alb_idle_timeout_seconds = ${var.alb_idle_timeout_seconds}: must be 1 to 4000."
  }
}

variable "client_keep_alive_seconds" {
  description = "Longest life of a client's connection to the load balancer."
  type        = number
  default     = 3600

  validation {
    condition     = var.client_keep_alive_seconds >= 60 && var.client_keep_alive_seconds <= 604800
    error_message = "client_keep_alive_seconds = ${var.client_keep_alive_seconds}: must be 60 to 604800."
  }
}

variable "deregistration_delay_seconds" {
  description = "How long requests may still finish on a task that is leaving."
  type        = number
  default     = 30

  validation {
    condition     = var.deregistration_delay_seconds >= 0 && var.deregistration_delay_seconds <= 3600
    error_message = "deregistration_delay_seconds = ${var.deregistration_delay_seconds}: must be 0 to 3600."
  }
}

# ---- tasks ---------------------------------------------------------------------------------------

variable "image_digest" {
  description = "Digest of the pushed image, sha256:...; null while the repository is empty: no tasks run then."
  type        = string
  default     = null

  validation {
    condition     = var.image_digest == null || can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest = \"${coalesce(var.image_digest, "null")}\": must be sha256: and 64 hexadecimal digits, or null."
  }
}

variable "task_cpu" {
  description = "CPU units of a task; 1024 are one vCPU."
  type        = number
  default     = 2048

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.task_cpu)
    error_message = "task_cpu = ${var.task_cpu}: Fargate takes 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "task_memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 4096

  validation {
    condition = (
      var.task_cpu == 256 ? contains([512, 1024, 2048], var.task_memory) :
      var.task_cpu == 512 ? contains(range(1024, 4096 + 1, 1024), var.task_memory) :
      var.task_cpu == 1024 ? contains(range(2048, 8192 + 1, 1024), var.task_memory) :
      var.task_cpu == 2048 ? contains(range(4096, 16384 + 1, 1024), var.task_memory) :
      var.task_cpu == 4096 ? contains(range(8192, 30720 + 1, 1024), var.task_memory) :
      var.task_cpu == 8192 ? contains(range(16384, 61440 + 1, 4096), var.task_memory) :
      contains(range(32768, 122880 + 1, 8192), var.task_memory)
    )
    error_message = "task_memory = ${var.task_memory} with task_cpu = ${var.task_cpu}: Fargate takes 256: 512, 1024, 2048; 512: 1024 to 4096; 1024: 2048 to 8192; 2048: 4096 to 16384; 4096: 8192 to 30720, in steps of 1024; 8192: 16384 to 61440 in steps of 4096; 16384: 32768 to 122880 in steps of 8192."
  }
}

variable "cpu_architecture" {
  description = "Architecture of the image: X86_64 or ARM64."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture = \"${var.cpu_architecture}\": must be X86_64 or ARM64."
  }
}

variable "desired_count" {
  description = "Tasks to keep at least."
  type        = number
  default     = 2

  validation {
    condition     = var.desired_count >= 1 && var.desired_count <= 100 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count = ${var.desired_count}: must be a whole number from 1 to 100."
  }
}

variable "max_count" {
  description = "Tasks up to which autoscaling may go."
  type        = number
  default     = 8

  validation {
    condition     = var.max_count >= var.desired_count && var.max_count <= 1000
    error_message = "max_count = ${var.max_count}: must be from desired_count (${var.desired_count}) to 1000."
  }
}

variable "requests_per_target_per_minute" {
  description = "Requests per task and minute that autoscaling aims at."
  type        = number
  default     = 120000

  validation {
    condition     = var.requests_per_target_per_minute >= 60
    error_message = "requests_per_target_per_minute = ${var.requests_per_target_per_minute}: must be 60 or more."
  }
}

variable "cpu_target_percent" {
  description = "CPU utilisation that autoscaling aims at."
  type        = number
  default     = 60

  validation {
    condition     = var.cpu_target_percent >= 10 && var.cpu_target_percent <= 80
    error_message = "cpu_target_percent = ${var.cpu_target_percent}: must be 10 to 80; the alarm is at 85."
  }
}

variable "keepalive_seconds" {
  description = "Idle time after which a task closes a connection."
  type        = number
  default     = 75

  validation {
    condition     = var.keepalive_seconds >= var.alb_idle_timeout_seconds + 5
    error_message = "keepalive_seconds = ${var.keepalive_seconds}: must be at least alb_idle_timeout_seconds + 5 = ${var.alb_idle_timeout_seconds + 5}, or the load balancer sends requests into closed connections and answers 502."
  }
}

variable "request_deadline_seconds" {
  description = "Time after which a task answers 504 by itself."
  type        = number
  default     = 50

  validation {
    condition     = var.request_deadline_seconds >= 1 && var.request_deadline_seconds <= var.alb_idle_timeout_seconds - 5
    error_message = "request_deadline_seconds = ${var.request_deadline_seconds}: must be 1 to alb_idle_timeout_seconds - 5 = ${var.alb_idle_timeout_seconds - 5}, so that the answer is ours and in our log."
  }
}

variable "stop_timeout_seconds" {
  description = "Time between SIGTERM and SIGKILL."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_timeout_seconds >= 10 && var.stop_timeout_seconds <= 120
    error_message = "stop_timeout_seconds = ${var.stop_timeout_seconds}: must be 10 to 120, Fargate's maximum."
  }
}

variable "drain_seconds" {
  description = "Time after SIGTERM by which a task has drained and ended by itself."
  type        = number
  default     = 55

  validation {
    condition     = var.drain_seconds >= 5 && var.drain_seconds <= var.stop_timeout_seconds - 5
    error_message = "drain_seconds = ${var.drain_seconds}: must be 5 to stop_timeout_seconds - 5 = ${var.stop_timeout_seconds - 5}, or the drain is cut by SIGKILL."
  }
}

variable "worker_count" {
  description = "Worker processes of a task."
  type        = number
  default     = 2

  validation {
    condition     = var.worker_count >= 1 && var.worker_count <= 64 && floor(var.worker_count) == var.worker_count
    error_message = "worker_count = ${var.worker_count}: must be a whole number from 1 to 64."
  }
}

variable "pg_connections_per_worker" {
  description = "PostgreSQL connections of a worker at most."
  type        = number
  default     = 8

  validation {
    condition     = var.pg_connections_per_worker >= 1 && var.pg_connections_per_worker <= 16 && floor(var.pg_connections_per_worker) == var.pg_connections_per_worker
    error_message = "pg_connections_per_worker = ${var.pg_connections_per_worker}: must be a whole number from 1 to 16."
  }

  # A rolling deployment doubles the tasks for a while.
  validation {
    condition     = 2 * var.max_count * var.worker_count * var.pg_connections_per_worker <= 0.8 * var.db_max_connections
    error_message = "pg_connections_per_worker = ${var.pg_connections_per_worker}: during a deployment 2 x max_count (${var.max_count}) tasks x worker_count (${var.worker_count}) could open ${2 * var.max_count * var.worker_count * var.pg_connections_per_worker} connections; at most ${floor(0.8 * var.db_max_connections)}, 80 % of db_max_connections (${var.db_max_connections}), may be used."
  }
}

variable "environment" {
  description = "Further environment variables of the container."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", key))])
    error_message = "environment has the names ${join(", ", keys(var.environment))}: must be capitals, digits and underscores."
  }

  validation {
    condition = length(setintersection(keys(var.environment), [
      "PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "DATABASE_URL", "REDIS_URL",
      "SIDEKICK_STOP_TIMEOUT", "SIDEKICK_DRAIN_TIMEOUT", "SIDEKICK_KEEPALIVE_IDLE", "SIDEKICK_REQUEST_DEADLINE",
      "SIDEKICK_WORKERS", "SIDEKICK_PG_CONNECTIONS",
    ])) == 0
    error_message = "environment has the names ${join(", ", keys(var.environment))}: PG*, DATABASE_URL, REDIS_URL and the SIDEKICK_ ones of the other variables are set by this configuration."
  }
}

variable "enable_execute_command" {
  description = "Allow ECS Exec into tasks."
  type        = bool
  default     = false
}

variable "wait_for_steady_state" {
  description = "Let apply wait until the deployment has settled or was rolled back."
  type        = bool
  default     = true
}

# ---- secrets of the application ------------------------------------------------------------------

variable "app_secret_keys" {
  description = "Names in app_secrets; each becomes an environment variable of the container."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.app_secret_keys : can(regex("^[A-Z][A-Z0-9_]*$", key))])
    error_message = "app_secret_keys = ${jsonencode(var.app_secret_keys)}: must be capitals, digits and underscores."
  }

  validation {
    condition     = length(setintersection(var.app_secret_keys, concat(keys(var.environment), ["PGUSER", "PGPASSWORD", "REDIS_URL"]))) == 0
    error_message = "app_secret_keys = ${jsonencode(var.app_secret_keys)}: must not repeat names of environment, nor PGUSER, PGPASSWORD and REDIS_URL."
  }
}

variable "app_secrets" {
  description = "Values by name. Write-only: neither in plan nor in state, so it is given at each apply."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true
}

variable "app_secrets_version" {
  description = "Raise it when app_secrets or redis_auth_token changed: the values are written anew."
  type        = number
  default     = 1

  validation {
    condition     = var.app_secrets_version >= 1 && floor(var.app_secrets_version) == var.app_secrets_version
    error_message = "app_secrets_version = ${var.app_secrets_version}: must be a whole number from 1 on."
  }
}

# ---- PostgreSQL ----------------------------------------------------------------------------------

variable "db_engine_version" {
  description = "PostgreSQL's major version, or major.minor to pin one."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[67](\\.[0-9]+)?$", var.db_engine_version))
    error_message = "db_engine_version = \"${var.db_engine_version}\": must be 16 or 17, with or without a minor version."
  }
}

variable "db_instance_class" {
  description = "Size of the database instance."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.db_instance_class))
    error_message = "db_instance_class = \"${var.db_instance_class}\": must be an RDS class such as db.t4g.medium."
  }
}

variable "db_name" {
  description = "Database to create."
  type        = string
  default     = "sidekick"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.db_name)) && !contains(["db", "postgres", "template0", "template1", "rdsadmin"], var.db_name)
    error_message = "db_name = \"${var.db_name}\": must be 1 to 63 lower-case letters, digits and underscores, beginning with a letter, and not a name PostgreSQL reserves."
  }
}

variable "db_master_username" {
  description = "Database user whose password RDS makes and rotates."
  type        = string
  default     = "sidekick"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.db_master_username)) && !startswith(var.db_master_username, "rds") && !contains(["admin", "postgres", "public"], var.db_master_username)
    error_message = "db_master_username = \"${var.db_master_username}\": must be 1 to 16 lower-case letters, digits and underscores, beginning with a letter but not with rds, and not admin, postgres or public."
  }
}

variable "db_allocated_storage_gib" {
  description = "Storage of the database at first."
  type        = number
  default     = 20

  validation {
    condition     = var.db_allocated_storage_gib >= 20 && var.db_allocated_storage_gib <= 65536
    error_message = "db_allocated_storage_gib = ${var.db_allocated_storage_gib}: must be 20 to 65536."
  }
}

variable "db_max_allocated_storage_gib" {
  description = "Storage up to which the database grows by itself."
  type        = number
  default     = 100

  validation {
    condition     = var.db_max_allocated_storage_gib >= ceil(1.1 * var.db_allocated_storage_gib) && var.db_max_allocated_storage_gib <= 65536
    error_message = "db_max_allocated_storage_gib = ${var.db_max_allocated_storage_gib}: must be from db_allocated_storage_gib + 10 % = ${ceil(1.1 * var.db_allocated_storage_gib)} to 65536."
  }
}

variable "db_max_connections" {
  description = "Connections PostgreSQL accepts. A db.t4g.medium has memory for about 450."
  type        = number
  default     = 400

  validation {
    condition     = var.db_max_connections >= 25 && var.db_max_connections <= 5000
    error_message = "db_max_connections = ${var.db_max_connections}: must be 25 to 5000."
  }
}

variable "db_multi_az" {
  description = "Keep a standby of the database in another zone."
  type        = bool
  default     = true
}

variable "db_backup_retention_days" {
  description = "Days of point-in-time recovery."
  type        = number
  default     = 7

  validation {
    condition     = var.db_backup_retention_days >= 1 && var.db_backup_retention_days <= 35
    error_message = "db_backup_retention_days = ${var.db_backup_retention_days}: must be 1 to 35."
  }
}

variable "db_ca_path" {
  description = "Where the image keeps AWS's certificate bundle, against which tasks verify the database."
  type        = string
  default     = "/etc/sidekick/rds-ca.pem"

  validation {
    condition     = startswith(var.db_ca_path, "/")
    error_message = "db_ca_path = \"${var.db_ca_path}\": must be an absolute path."
  }
}

# ---- Redis ---------------------------------------------------------------------------------------

variable "redis_engine" {
  description = "redis or valkey."
  type        = string
  default     = "redis"

  validation {
    condition     = contains(["redis", "valkey"], var.redis_engine)
    error_message = "redis_engine = \"${var.redis_engine}\": must be redis or valkey."
  }
}

variable "redis_engine_version" {
  description = "Version of the engine."
  type        = string
  default     = "7.1"

  validation {
    condition     = var.redis_engine == "redis" ? can(regex("^7\\.[01]$", var.redis_engine_version)) : can(regex("^(7\\.2|8\\.[0-9])$", var.redis_engine_version))
    error_message = "redis_engine_version = \"${var.redis_engine_version}\" with redis_engine = \"${var.redis_engine}\": redis takes 7.0 and 7.1, valkey 7.2 and 8.0 or later."
  }
}

variable "redis_node_type" {
  description = "Size of a cache node."
  type        = string
  default     = "cache.t4g.small"

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.redis_node_type))
    error_message = "redis_node_type = \"${var.redis_node_type}\": must be an ElastiCache type such as cache.t4g.small."
  }
}

variable "redis_replica_count" {
  description = "Replicas beside the primary."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_replica_count >= 1 && var.redis_replica_count <= 5 && floor(var.redis_replica_count) == var.redis_replica_count
    error_message = "redis_replica_count = ${var.redis_replica_count}: must be 1 to 5; failover needs one."
  }
}

# Checked where the cache is made: Terraform prints a variable's value beside a failed validation,
# even a sensitive one's.
variable "redis_auth_token" {
  description = "Password of Redis, 16 to 128 characters; null for TLS and security group only. ElastiCache's argument is kept in the state, so keep the state private."
  type        = string
  default     = null
  sensitive   = true
}

variable "redis_auth_token_update_strategy" {
  description = "SET when a running group without a password gets its first one, else ROTATE."
  type        = string
  default     = "ROTATE"

  validation {
    condition     = contains(["SET", "ROTATE"], var.redis_auth_token_update_strategy)
    error_message = "redis_auth_token_update_strategy = \"${var.redis_auth_token_update_strategy}\": must be SET or ROTATE."
  }
}

variable "redis_snapshot_retention_days" {
  description = "Daily snapshots of the cache to keep."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_snapshot_retention_days >= 0 && var.redis_snapshot_retention_days <= 35
    error_message = "redis_snapshot_retention_days = ${var.redis_snapshot_retention_days}: must be 0 to 35."
  }
}

# ---- observability -------------------------------------------------------------------------------

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms and of their end."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+$", arn))])
    error_message = "alarm_topic_arns = ${jsonencode(var.alarm_topic_arns)}: must be ARNs of SNS topics."
  }
}

variable "error_ratio_max_percent" {
  description = "Share of 5xx responses above which an alarm goes off and a deployment is undone."
  type        = number
  default     = 1

  validation {
    condition     = var.error_ratio_max_percent > 0 && var.error_ratio_max_percent <= 100
    error_message = "error_ratio_max_percent = ${var.error_ratio_max_percent}: must be above 0 and at most 100."
  }
}

variable "server_errors_per_minute_max" {
  description = "Logged 5xx responses per minute above which an alarm goes off."
  type        = number
  default     = 10

  validation {
    condition     = var.server_errors_per_minute_max >= 0
    error_message = "server_errors_per_minute_max = ${var.server_errors_per_minute_max}: must be 0 or more."
  }
}

variable "target_p99_max_ms" {
  description = "p99 over all routes above which an alarm goes off."
  type        = number
  default     = 500

  validation {
    condition     = var.target_p99_max_ms >= 1 && var.target_p99_max_ms <= 60000
    error_message = "target_p99_max_ms = ${var.target_p99_max_ms}: must be 1 to 60000."
  }
}

variable "latency_budgets" {
  description = "Budgets by route, from budgets.auto.tfvars.json, which scripts/budgets makes of the balancer's configuration."
  type = map(object({
    p50_ms      = optional(number)
    p99_ms      = number
    deadline_ms = optional(number)
    excludes    = optional(list(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for pattern in keys(var.latency_budgets) : can(regex("^/[^\"\\\\]*$", pattern)) && length(pattern) <= 100])
    error_message = "latency_budgets has the routes ${join(", ", keys(var.latency_budgets))}: must begin with a slash, have at most 100 characters and neither quotes nor backslashes."
  }

  validation {
    condition = alltrue([
      for budget in values(var.latency_budgets) :
      budget.p99_ms > 0 && coalesce(budget.p50_ms, 0) <= budget.p99_ms && budget.p99_ms <= coalesce(budget.deadline_ms, budget.p99_ms)
    ])
    error_message = "latency_budgets = ${jsonencode(var.latency_budgets)}: each needs 0 < p50_ms <= p99_ms <= deadline_ms."
  }
}
