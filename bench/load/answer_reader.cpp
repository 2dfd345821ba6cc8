#include "bench/load/answer_reader.h"

#include <strings.h>

#include <charconv>
#include <optional>

namespace sk::bench {
namespace {

struct Head {
  std::optional<std::size_t> content_length;
  bool close = false;
  bool broken = false;
};

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Reads the header lines between the status line and the empty line.
Head read_head(std::string_view lines) {
  Head head;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      head.broken = true;
      return head;
    }
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
      value.remove_prefix(1);
    }
    if (same_name(name, "content-length")) {
      std::size_t length = 0;
      const auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), length);
      head.broken = head.broken || error != std::errc{} || rest != value.data() + value.size() ||
                    head.content_length.has_value();
      head.content_length = length;
    } else if (same_name(name, "connection")) {
      head.close = same_name(value, "close");
    } else if (same_name(name, "transfer-encoding")) {
      head.broken = true;
    }
  }
  return head;
}

}  // namespace

AnswerReader::Verdict AnswerReader::took(std::size_t bytes) {
  length_ += bytes;
  const std::string_view all(buffer_.data(), length_);
  const std::size_t head_end = all.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return length_ == kAnswerMax ? Verdict::kBadFraming : Verdict::kIncomplete;
  }
  if (!all.starts_with("HTTP/1.1 200 ") && !all.starts_with("HTTP/1.1 200\r")) {
    return Verdict::kBadStatus;
  }
  const std::size_t status_end = all.find("\r\n");
  const Head head = status_end == head_end
                        ? Head{}
                        : read_head(all.substr(status_end + 2, head_end - status_end - 2));
  if (head.broken || !head.content_length) {
    return Verdict::kBadFraming;
  }
  const std::string_view body = all.substr(head_end + 4);
  if (*head.content_length != expected_body_.size() || body.size() > *head.content_length) {
    return Verdict::kBadBody;
  }
  if (body.size() < *head.content_length) {
    return length_ == kAnswerMax ? Verdict::kBadFraming : Verdict::kIncomplete;
  }
  if (body != expected_body_) {
    return Verdict::kBadBody;
  }
  return head.close ? Verdict::kGoodThenClose : Verdict::kGood;
}

}  // namespace sk::bench
