#include "net/http/expiry.h"

#include "net/core/json_text.h"
#include "net/core/millis_text.h"

namespace sk {

void append_members(std::string& json, const Expiry& expiry) {
  json += ",\"route\":";
  append_json_string(json, expiry.route);
  json.append(",\"deadline_ms\":").append(MillisText(expiry.allowed).view());
  json.append(",\"spent_ms\":").append(MillisText(expiry.spent).view());
  json.append(",\"stage\":\"").append(to_string(expiry.stage)).append("\"");
}

}  // namespace sk
