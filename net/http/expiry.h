// Expiry: what every 504 says about the deadline that has passed, whoever noticed it first.
#pragma once

#include "net/core/stage.h"
#include "net/core/time.h"

#include <string>
#include <string_view>

namespace sk {

struct Expiry {
  std::string_view route;        // whose deadline it was; as long-lived as the route
  Duration allowed{};            // from the request's head to the deadline
  Duration spent{};              // from there until the answer was made
  Stage stage = Stage::handler;  // where the request was when its time ran out
};

// `,"route":"/v1/*","deadline_ms":250.000,"spent_ms":250.412,"stage":"pg"`: members of a problem
// document (RFC 9457 3.2).
void append_members(std::string& json, const Expiry& expiry);

}  // namespace sk
