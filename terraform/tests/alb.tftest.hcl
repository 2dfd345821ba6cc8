# The load balancer with and without a certificate.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "sidekick"
  account_id        = "123456789012"
  vpc_id            = "vpc-1"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
}

run "without_a_certificate_80_and_7500_forward" {
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = aws_lb.this.name == "sidekick-alb" && aws_lb.this.load_balancer_type == "application" && !aws_lb.this.internal
    error_message = "An application load balancer for the internet, called sidekick-alb."
  }
  assert {
    condition     = { for port, listener in aws_lb_listener.forward : port => listener.protocol } == { "80" = "HTTP", "7500" = "HTTP" } && length(aws_lb_listener.redirect) == 0
    error_message = "Plain HTTP on 80 and 7500."
  }
  assert {
    condition     = alltrue([for port, listener in aws_lb_listener.forward : listener.port == tonumber(port) && listener.default_action[0].type == "forward" && listener.default_action[0].target_group_arn == aws_lb_target_group.this.arn])
    error_message = "Both forward to the tasks."
  }
  assert {
    condition     = output.url == "http://${aws_lb.this.dns_name}" && sort(keys(output.listener_arns)) == tolist(["7500", "80"])
    error_message = "The URL is the load balancer's, in plain HTTP."
  }
}

run "the_target_group_probes_healthz" {
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = aws_lb_target_group.this.port == 7500 && aws_lb_target_group.this.protocol == "HTTP" && aws_lb_target_group.this.protocol_version == "HTTP1" && aws_lb_target_group.this.target_type == "ip"
    error_message = "Tasks are addresses on 7500 that speak HTTP/1.1."
  }
  assert {
    condition     = aws_lb_target_group.this.deregistration_delay == "30" && aws_lb_target_group.this.load_balancing_algorithm_type == "least_outstanding_requests"
    error_message = "30 s to leave; requests go where the fewest wait."
  }
  assert {
    condition = (
      aws_lb_target_group.this.health_check[0].path == "/healthz" && aws_lb_target_group.this.health_check[0].matcher == "200" &&
      aws_lb_target_group.this.health_check[0].interval == 10 && aws_lb_target_group.this.health_check[0].timeout == 5 &&
      aws_lb_target_group.this.health_check[0].healthy_threshold == 2 && aws_lb_target_group.this.health_check[0].unhealthy_threshold == 2
    )
    error_message = "/healthz each 10 s, two in a row decide."
  }
}

run "connections_are_guarded" {
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = aws_lb.this.idle_timeout == 60 && aws_lb.this.client_keep_alive == 3600 && aws_lb.this.enable_http2
    error_message = "Idle after 60 s, an hour at most, HTTP/2 for clients."
  }
  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.desync_mitigation_mode == "defensive" && aws_lb.this.preserve_host_header && aws_lb.this.xff_header_processing_mode == "append"
    error_message = "Broken headers are dropped; host and client address are passed on."
  }
  assert {
    condition     = aws_lb.this.enable_deletion_protection
    error_message = "It is not deleted by accident."
  }
}

run "with_a_certificate_80_redirects_and_the_rest_is_tls" {
  variables {
    certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/c"
  }
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = { for port, listener in aws_lb_listener.forward : port => listener.protocol } == { "443" = "HTTPS", "7500" = "HTTPS" }
    error_message = "443 and 7500 speak TLS."
  }
  assert {
    condition     = alltrue([for listener in aws_lb_listener.forward : listener.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09" && listener.certificate_arn == var.certificate_arn])
    error_message = "The policy is the post-quantum one, not the default of 2016."
  }
  assert {
    condition     = alltrue([for listener in aws_lb_listener.forward : listener.routing_http_response_strict_transport_security_header_value == "max-age=31536000" && listener.routing_http_response_server_enabled == false])
    error_message = "HSTS is on, the server header off."
  }
  assert {
    condition     = aws_lb_listener.redirect[0].port == 80 && aws_lb_listener.redirect[0].default_action[0].redirect[0].status_code == "HTTP_301" && aws_lb_listener.redirect[0].default_action[0].redirect[0].port == "443" && aws_lb_listener.redirect[0].default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "80 redirects to 443."
  }
  assert {
    condition     = length(aws_acm_certificate.this) == 0 && length(aws_route53_record.alias) == 0
    error_message = "Nothing is made in DNS."
  }
}

run "a_domain_gets_a_certificate_and_a_name" {
  variables {
    domain_name = "app.example.com"
    zone_id     = "Z0123456789"
  }
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = aws_acm_certificate.this[0].domain_name == "app.example.com" && aws_acm_certificate.this[0].validation_method == "DNS"
    error_message = "The certificate is proved in DNS."
  }
  assert {
    condition     = aws_route53_record.alias[0].name == "app.example.com" && aws_route53_record.alias[0].alias[0].name == aws_lb.this.dns_name && aws_route53_record.alias[0].zone_id == "Z0123456789"
    error_message = "The name points at the load balancer."
  }
  assert {
    condition     = alltrue([for listener in aws_lb_listener.forward : listener.certificate_arn == aws_acm_certificate_validation.this[0].certificate_arn]) && output.url == "https://app.example.com"
    error_message = "Listeners wait for the proved certificate."
  }
}

run "access_logs_have_a_closed_bucket" {
  variables {
    access_logs = true
  }
  module {
    source = "./modules/alb"
  }

  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.connection_logs[0].enabled && aws_lb.this.access_logs[0].bucket == aws_s3_bucket.logs[0].bucket
    error_message = "Requests and connections are logged there."
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.logs[0].block_public_acls && aws_s3_bucket_public_access_block.logs[0].block_public_policy && aws_s3_bucket_public_access_block.logs[0].ignore_public_acls && aws_s3_bucket_public_access_block.logs[0].restrict_public_buckets
    error_message = "Nothing of it is public."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.logs[0].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "It is encrypted, with the only scheme load balancers can write."
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.logs[0].policy).Statement[0].Principal.Service == "logdelivery.elasticloadbalancing.amazonaws.com" && jsondecode(aws_s3_bucket_policy.logs[0].policy).Statement[1].Effect == "Deny"
    error_message = "Only load balancers write, and only over TLS."
  }
}
