# What a mocked AWS answers where the configuration looks inside. With it `terraform test` needs no
# account and creates nothing.

mock_data "aws_availability_zones" {
  defaults = {
    names = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"]
  }
}

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    address = "db.example.internal"
    master_user_secret = [{
      kms_key_id    = "arn:aws:kms:us-west-2:123456789012:key/mock"
      secret_arn    = "arn:aws:secretsmanager:us-west-2:123456789012:secret:rds-mock"
      secret_status = "active"
    }]
  }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    primary_endpoint_address = "cache.example.internal"
  }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    repository_url = "123456789012.dkr.ecr.us-west-2.amazonaws.com/sidekick"
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/sidekick-alb/0123456789abcdef"
    arn_suffix = "app/sidekick-alb/0123456789abcdef"
    dns_name   = "sidekick-alb-856591864.us-west-2.elb.amazonaws.com"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/sk/0123456789abcdef"
    arn_suffix = "targetgroup/sk/0123456789abcdef"
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:us-west-2:123456789012:certificate/mock"
    domain_validation_options = [{
      domain_name           = "app.example.com"
      resource_record_name  = "_x.app.example.com"
      resource_record_type  = "CNAME"
      resource_record_value = "_y.acm-validations.aws"
    }]
  }
}
