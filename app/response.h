// Response is what a handler returns: a status, header fields and a body, complete or streamed.
//
//   return json(item);                              // 200, application/json
//   return json(201, item).header(HeaderId::location, url);
//   return text(404, "nothing here");
//   return Response(204);
//   return stream("text/csv", [](ResponseStream& out) { return write_rows(out); });
//
// Content-Length and framing are the server's business; a handler that sets them is ignored.
#pragma once

#include "net/core/result.h"
#include "net/http/head.h"
#include "net/io/task.h"

#include "app/json_writer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sk::app {

class ResponseStream;  // response_stream.h

// Writes a body piece by piece. An error returned (or an exception) before the end truncates the
// message visibly: the client never sees a complete-looking response.
using StreamFunction = std::move_only_function<Task<Result<void>>(ResponseStream&)>;

class Response {
 public:
  Response() = default;
  explicit Response(std::uint16_t status) { head_.status = status; }
  Response(std::uint16_t status, std::string_view content_type, std::string body)
      : Response(status) {
    head_.fields.add(HeaderId::content_type, content_type);
    body_ = std::move(body);
  }

  // Adds a field; its value is copied. Repeating a name sends it twice. A name or value that may
  // not stand in a head (a line break, say) is refused when the response is sent: 500.
  Response& header(HeaderId id, std::string_view value) & {
    head_.fields.add(id, value);
    return *this;
  }
  Response& header(std::string_view name, std::string_view value) & {
    head_.fields.add(name, value);
    return *this;
  }
  Response&& header(HeaderId id, std::string_view value) && {
    head_.fields.add(id, value);
    return std::move(*this);
  }
  Response&& header(std::string_view name, std::string_view value) && {
    head_.fields.add(name, value);
    return std::move(*this);
  }

  // body lives for the whole program: it is sent without being copied.
  static Response of_static(std::uint16_t status, std::string_view content_type,
                            std::string_view body) {
    Response response(status);
    response.head_.fields.add_view(HeaderId::content_type, content_type);
    response.static_body_ = body;
    return response;
  }
  static Response streamed(std::uint16_t status, std::string_view content_type,
                           StreamFunction function) {
    Response response(status);
    response.head_.fields.add(HeaderId::content_type, content_type);
    response.stream_ = std::make_unique<StreamFunction>(std::move(function));
    return response;
  }

  [[nodiscard]] std::uint16_t status() const { return head_.status; }
  [[nodiscard]] ResponseHead& head() { return head_; }
  [[nodiscard]] const ResponseHead& head() const { return head_; }
  // The complete body; empty where it is streamed.
  [[nodiscard]] std::string_view body() const {
    return static_body_.empty() ? std::string_view(body_) : static_body_;
  }
  [[nodiscard]] bool body_is_static() const { return body_.empty(); }
  [[nodiscard]] StreamFunction* stream() { return stream_.get(); }

 private:
  ResponseHead head_{.status = 200, .version = {}, .content_length = {}, .fields = {}};
  std::string body_;
  std::string_view static_body_;
  std::unique_ptr<StreamFunction> stream_;
};

inline constexpr std::string_view kJsonType = "application/json";

template <typename T>
[[nodiscard]] Response json(std::uint16_t status, const T& value) {
  return Response(status, kJsonType, to_json(value));
}

template <typename T>
[[nodiscard]] Response json(const T& value) {
  return json(200, value);
}

[[nodiscard]] inline Response text(std::uint16_t status, std::string body) {
  return Response(status, "text/plain; charset=utf-8", std::move(body));
}

[[nodiscard]] inline Response stream(std::string_view content_type, StreamFunction function) {
  return Response::streamed(200, content_type, std::move(function));
}

}  // namespace sk::app
