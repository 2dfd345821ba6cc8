# The bucket for a shared state. Apply this once, from a state of its own; then copy
# ../../backend.tf.example to backend.tf beside the configuration, fill in the bucket's name, and run
# `terraform init -migrate-state`.

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-west-2"
}

variable "bucket_prefix" {
  description = "Beginning of the bucket's name; AWS adds what makes it unique."
  type        = string
  default     = "sidekick-terraform-state-"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,36}$", var.bucket_prefix))
    error_message = "bucket_prefix = \"${var.bucket_prefix}\": must be 2 to 37 lower-case letters, digits and hyphens."
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "sidekick", ManagedBy = "terraform" }
  }
}

resource "aws_kms_key" "state" {
  description             = "Terraform state of sidekick"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_s3_bucket" "state" {
  bucket_prefix = var.bucket_prefix
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

# Every state that ever was can be brought back.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}

output "bucket" {
  description = "Name to write into backend.tf."
  value       = aws_s3_bucket.state.bucket
}

output "kms_key_arn" {
  description = "Key to write into backend.tf."
  value       = aws_kms_key.state.arn
}
