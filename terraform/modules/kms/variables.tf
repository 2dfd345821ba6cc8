variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "partition" {
  description = "Partition of the account, such as aws."
  type        = string
}

variable "account_id" {
  description = "Account that administers the key."
  type        = string
}

variable "region" {
  description = "Region of the log groups."
  type        = string
}

variable "log_group_names" {
  description = "Log groups that may be encrypted with the key."
  type        = list(string)
}

variable "has_secrets" {
  description = "Whether there are values to store: the values themselves may not decide that."
  type        = bool
}

variable "secrets" {
  description = "Names and values to store."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "secrets_version" {
  description = "Raise it to write the values anew: Terraform cannot see that they changed."
  type        = number
}
