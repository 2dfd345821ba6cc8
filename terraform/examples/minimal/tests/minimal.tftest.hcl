mock_provider "aws" {
  source = "../../tests/mocks"
}

run "it_is_small_and_can_be_destroyed" {
  command = plan

  assert {
    condition     = module.sidekick.cluster_name == "sidekick-try" && module.sidekick.log_group_name == "/ecs/sidekick-try"
    error_message = "It has a name of its own, beside a real deployment."
  }
}
