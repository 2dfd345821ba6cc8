#include "lb/own_response.h"

#include "net/core/json_text.h"
#include "net/io/loop.h"

#include <string>

namespace sk::lb {
namespace {

// The serialiser decides what a HEAD gets; the length is declared either way.
void send(Exchange& exchange, ResponseHead& head, std::string_view content) {
  head.content_length = content.size();
  const bool body = !content.empty() && exchange.request.method != Method::head;
  if (!exchange.respond(head, body) || !body) {
    return;
  }
  BodyWriter& to = exchange.response_body();
  for (std::size_t at = 0; at < content.size(); at += kBufferBytes) {
    to.write(copy_to_slice(exchange.loop().buffers(), content.substr(at, kBufferBytes)));
  }
  to.finish();
}

}  // namespace

void respond_problem(Exchange& exchange, OwnAnswer answer, const ProblemDetails& details) {
  const OwnAnswerText& text = text_of(answer);
  std::string content = "{\"type\":\"about:blank\",\"title\":";
  append_json_string(content, text.title);
  content += ",\"status\":" + std::to_string(text.status);
  if (!details.detail.empty()) {
    content += ",\"detail\":";
    append_json_string(content, details.detail);
  }
  if (details.expiry) {
    append_members(content, *details.expiry);
  }
  content += ",\"reason\":";
  append_json_string(content, text.reason);
  content += ",\"requestId\":\"req-";
  content += exchange.id.view();
  content += "\"}";
  ResponseHead head;
  head.status = text.status;
  head.fields.add_view(HeaderId::content_type, "application/problem+json");
  head.fields.add_view(HeaderId::cache_control, "no-store");
  if (text.retry_after_s > 0) {
    head.fields.add(HeaderId::retry_after, std::to_string(text.retry_after_s));
  }
  if (!text.proxy_status.empty()) {
    head.fields.add("Proxy-Status", "sidekick; error=" + std::string(text.proxy_status));
  }
  if (!details.server_timing.empty()) {
    head.fields.add_view(HeaderId::server_timing, details.server_timing);
  }
  send(exchange, head, content);
}

void respond_json(Exchange& exchange, std::uint16_t status, std::string_view content) {
  ResponseHead head;
  head.status = status;
  head.fields.add_view(HeaderId::content_type, "application/json");
  head.fields.add_view(HeaderId::cache_control, "no-store");
  send(exchange, head, content);
}

void respond_text(Exchange& exchange, std::uint16_t status, std::string_view content_type,
                  std::string_view content) {
  ResponseHead head;
  head.status = status;
  head.fields.add(HeaderId::content_type, content_type);
  head.fields.add_view(HeaderId::cache_control, "no-store");
  send(exchange, head, content);
}

}  // namespace sk::lb
