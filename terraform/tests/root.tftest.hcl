# The modules together, as flagless `terraform apply` makes them.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Ephemeral: in a test it must be given to be the same at plan and apply.
variables {
  app_secrets = {}
}

run "defaults_stand_without_an_image" {
  assert {
    condition     = output.smoke_command == "curl http://sidekick-alb-856591864.us-west-2.elb.amazonaws.com"
    error_message = "The smoke command asks the load balancer over plain HTTP."
  }
  assert {
    condition     = jsondecode(output.smoke_expected) == { status = "ok", version = "1.2.0" }
    error_message = "It expects the version."
  }
  assert {
    condition     = module.ecs.initial_count == 0
    error_message = "No image, no tasks: nothing can fail to start."
  }
  assert {
    condition     = module.network.availability_zones == tolist(["us-west-2a", "us-west-2b"]) && length(module.network.public_subnet_ids) == 2 && length(module.network.private_subnet_ids) == 2
    error_message = "Two zones of us-west-2."
  }
  assert {
    condition     = output.cluster_name == "sidekick" && output.service_name == "sidekick" && output.log_group_name == "/ecs/sidekick" && length(output.query_definition_ids) == 5
    error_message = "The outputs name what operators need."
  }
  assert {
    condition     = strcontains(output.migrate_command, "--cluster sidekick") && strcontains(output.migrate_command, "sidekick-app")
    error_message = "Migrations are a command to paste."
  }
  assert {
    condition     = local.environment.REDIS_URL == "rediss://cache.example.internal:6379/0" && !contains(keys(local.secrets), "REDIS_URL")
    error_message = "Without a password the URL of Redis is plain environment, with TLS."
  }
}

run "the_second_apply_brings_the_image_the_tasks_and_their_secrets" {
  variables {
    image_digest     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
    app_secret_keys  = ["API_KEY"]
    app_secrets      = { API_KEY = "hush" }
    redis_auth_token = "0123456789abcdef"
  }

  assert {
    condition     = keys(local.secrets) == ["API_KEY", "PGPASSWORD", "PGUSER", "REDIS_URL"] && endswith(local.secrets.PGPASSWORD, ":secret:rds-mock:password::") && endswith(local.secrets.PGUSER, ":username::")
    error_message = "Password, user, URL and settings come from secrets, by key."
  }
  assert {
    condition     = !contains(keys(local.environment), "REDIS_URL") && local.environment.PGSSLMODE == "verify-full" && local.environment.PGHOST == "db.example.internal" && local.environment.PGDATABASE == "sidekick"
    error_message = "The environment holds addresses only."
  }
  assert {
    condition     = module.ecs.initial_count == 2
    error_message = "Two tasks once there is an image."
  }
}

run "an_edge_of_every_range_is_accepted" {
  command = plan
  variables {
    name                         = "a-name-of-20-letters"
    vpc_cidr                     = "172.16.0.0/20"
    az_count                     = 3
    task_cpu                     = 16384
    task_memory                  = 122880
    cpu_architecture             = "ARM64"
    stop_timeout_seconds         = 120
    drain_seconds                = 115
    alb_idle_timeout_seconds     = 4000
    keepalive_seconds            = 4005
    request_deadline_seconds     = 3995
    db_max_connections           = 320
    max_count                    = 8
    redis_engine                 = "valkey"
    redis_engine_version         = "8.0"
    redis_replica_count          = 5
    db_allocated_storage_gib     = 20
    db_max_allocated_storage_gib = 22
  }

  assert {
    condition     = length(module.network.availability_zones) == 3
    error_message = "Three zones."
  }
}
