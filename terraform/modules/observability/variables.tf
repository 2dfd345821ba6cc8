variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "metric_namespace" {
  description = "Namespace of the metrics made from the log."
  type        = string
}

variable "log_group_name" {
  description = "Log group of the tasks."
  type        = string
}

variable "alb_arn_suffix" {
  description = "The load balancer in metrics."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "The target group in metrics."
  type        = string
}

variable "cluster_name" {
  description = "The cluster in metrics."
  type        = string
}

# A name, not a reference: the service waits for its alarms, so they cannot wait for the service.
variable "service_name" {
  description = "The service in metrics."
  type        = string
}

variable "db_identifier" {
  description = "The database instance in metrics."
  type        = string
}

variable "db_max_connections" {
  description = "Connections PostgreSQL accepts."
  type        = number
}

variable "redis_node_ids" {
  description = "The cache nodes in metrics."
  type        = list(string)
}

variable "alarm_topic_arns" {
  description = "SNS topics that hear of alarms and of their end."
  type        = list(string)
}

variable "error_ratio_max_percent" {
  description = "Share of 5xx responses above which an alarm goes off and a deployment is undone."
  type        = number
}

variable "server_errors_per_minute_max" {
  description = "Logged 5xx responses per minute above which an alarm goes off."
  type        = number
}

variable "target_p99_max_ms" {
  description = "p99 over all routes above which an alarm goes off."
  type        = number
}

variable "latency_budgets" {
  description = "Budgets by route pattern; excludes lists the patterns that earlier routes take."
  type = map(object({
    p50_ms      = optional(number)
    p99_ms      = number
    deadline_ms = optional(number)
    excludes    = optional(list(string), [])
  }))
}
