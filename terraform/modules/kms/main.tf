# One customer key for everything that is stored, and the secret with the application's settings.

resource "aws_kms_key" "this" {
  description             = "Data, secrets, images and logs of ${var.name}"
  enable_key_rotation     = true
  rotation_period_in_days = 365
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The form AWS documents: from here on IAM policies decide who may use the key.
        Sid       = "AccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = "arn:${var.partition}:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogsOfTheseGroupsOnly"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action = [
          "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        Resource = "*" # In a key policy this is the key itself.
        Condition = {
          ArnEquals = {
            "kms:EncryptionContext:aws:logs:arn" = [
              for group in var.log_group_names :
              "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group:${group}"
            ]
          }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_secretsmanager_secret" "app" {
  name                    = "${var.name}/app"
  description             = "Settings of the application, one JSON object of strings"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 7
}

# Write-only: the values are sent to Secrets Manager and appear neither in plan nor in state.
resource "aws_secretsmanager_secret_version" "app" {
  count = var.has_secrets ? 1 : 0

  secret_id                = aws_secretsmanager_secret.app.id
  secret_string_wo         = jsonencode(var.secrets)
  secret_string_wo_version = var.secrets_version
}
