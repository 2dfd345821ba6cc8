mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  domain_name      = "app.example.com"
  zone_id          = "Z0123456789"
  alarm_email      = "ops@example.com"
  redis_auth_token = "0123456789abcdef"
}

run "it_serves_a_domain_over_tls" {
  command = plan

  assert {
    condition     = output.url == "https://app.example.com" && output.smoke_command == "curl https://app.example.com"
    error_message = "The URL is the domain's."
  }
}

run "alarms_go_to_an_encrypted_topic" {
  command = plan

  assert {
    condition     = aws_sns_topic_subscription.mail.protocol == "email" && aws_sns_topic_subscription.mail.endpoint == "ops@example.com" && aws_kms_key.alarms.enable_key_rotation
    error_message = "Mail, through a topic with a key."
  }
  assert {
    condition     = length([for name in output.alarm_names : name if strcontains(name, "-p99-RouteLatency-")]) == length(jsondecode(file("../../budgets.auto.tfvars.json")).latency_budgets)
    error_message = "Each budget has its alarm."
  }
}

run "an_address_that_is_none_is_refused" {
  command = plan
  variables {
    alarm_email = "ops"
  }
  expect_failures = [var.alarm_email]
}
