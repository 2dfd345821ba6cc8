variable "name" {
  description = "Name of cluster, service, task family and container."
  type        = string
}

variable "region" {
  description = "Region of the log group."
  type        = string
}

variable "repository_url" {
  description = "Repository of the image."
  type        = string
}

variable "image_digest" {
  description = "Digest of the image, sha256:...; null while the repository is empty: no tasks then."
  type        = string
}

variable "cpu" {
  description = "CPU units of a task; 1024 are one vCPU."
  type        = number
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
}

variable "cpu_architecture" {
  description = "X86_64 or ARM64."
  type        = string
}

variable "desired_count" {
  description = "Tasks to keep; autoscaling does not go below."
  type        = number
}

variable "max_count" {
  description = "Tasks up to which autoscaling may go."
  type        = number
}

variable "requests_per_target_per_minute" {
  description = "Requests per task and minute that autoscaling aims at."
  type        = number
}

variable "cpu_target_percent" {
  description = "CPU utilisation that autoscaling aims at."
  type        = number
}

variable "stop_timeout_seconds" {
  description = "Time between SIGTERM and SIGKILL."
  type        = number
}

variable "drain_seconds" {
  description = "Time after SIGTERM by which the task has ended by itself."
  type        = number
}

variable "keepalive_seconds" {
  description = "Idle time after which a task closes a connection."
  type        = number
}

variable "request_deadline_seconds" {
  description = "Time after which a task answers 504 by itself."
  type        = number
}

variable "worker_count" {
  description = "Worker processes of a task."
  type        = number
}

variable "pg_connections_per_worker" {
  description = "PostgreSQL connections of a worker at most."
  type        = number
}

variable "environment" {
  description = "Environment of the container."
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables whose value ECS reads from a secret: name to ARN, with a key where the secret is JSON."
  type        = map(string)
}

variable "execution_role_arn" {
  description = "Role of ECS's agent."
  type        = string
}

variable "task_role_arn" {
  description = "Role of our code."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group of the tasks."
  type        = string
}

variable "target_group_arn" {
  description = "Target group of the tasks."
  type        = string
}

variable "listener_arns" {
  description = "Listeners that forward to the target group."
  type        = map(string)
}

variable "alb_arn_suffix" {
  description = "The load balancer in metrics."
  type        = string
}

variable "target_group_arn_suffix" {
  description = "The target group in metrics."
  type        = string
}

variable "rollback_alarm_names" {
  description = "Alarms that undo a deployment."
  type        = list(string)
}

variable "enable_execute_command" {
  description = "Allow ECS Exec into tasks."
  type        = bool
}

variable "wait_for_steady_state" {
  description = "Let apply wait until the deployment has settled."
  type        = bool
}

variable "log_group_names" {
  description = "Names of the log groups."
  type        = object({ app = string, exec = string, insights = string })
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Key for logs and ECS Exec sessions."
  type        = string
}
