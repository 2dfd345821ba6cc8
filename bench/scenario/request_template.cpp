#include "bench/scenario/request_template.h"

#include "sidekick_version.h"

#include <algorithm>

namespace sk::bench {
namespace {

constexpr std::string_view kTimingField = "Sidekick-Timing";

// The next ${name} in text: what comes before, and the name; false if there is none.
bool next_parameter(std::string_view& text, std::string_view& before, std::string_view& name) {
  const std::size_t begin = text.find("${");
  const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
  if (end == std::string_view::npos) {
    return false;
  }
  before = text.substr(0, begin);
  name = text.substr(begin + 2, end - begin - 2);
  text.remove_prefix(end + 1);
  return true;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
}

}  // namespace

std::vector<std::string> parameters_in(std::string_view text) {
  std::vector<std::string> names;
  std::string_view before;
  std::string_view name;
  while (next_parameter(text, before, name)) {
    names.emplace_back(name);
  }
  return names;
}

RequestTemplate::RequestTemplate(const ScenarioRequest& request, std::string_view authority,
                                 std::string_view timing_secret, const Values& values)
    : values_(values),
      method_(find_method(request.method)),
      sends_length_(!request.body.empty() || method_ == Method::post || method_ == Method::put ||
                    method_ == Method::patch) {
  compile(path_, request.path, Place::path);
  compile(head_, request.method + " ", Place::header);
  compile(head_, request.path, Place::path);
  std::string lines = " HTTP/1.1\r\nHost: ";
  lines.append(request.host.empty() ? authority : request.host);
  lines.append("\r\nUser-Agent: sidekick-bench/").append(kVersion).append("\r\n");
  if (!timing_secret.empty()) {
    lines.append(kTimingField).append(": ").append(timing_secret).append("\r\n");
  }
  compile(head_, lines, Place::header);
  for (const auto& [name, value] : request.headers) {
    compile(head_, name + ": " + value + "\r\n", Place::header);
  }
  compile(body_, request.body, Place::body);
}

void RequestTemplate::compile(std::vector<Piece>& pieces, std::string_view text, Place place) {
  std::string_view before;
  std::string_view name;
  std::string_view rest = text;
  while (next_parameter(rest, before, name)) {
    pieces.push_back({std::string(before), values_.index_of(name), place});
    constant_ = false;
  }
  pieces.push_back({std::string(rest), SIZE_MAX, place});
}

void RequestTemplate::fill(std::string& out, const std::vector<Piece>& pieces, std::uint64_t seed,
                           std::uint64_t sequence) const {
  std::string value;
  for (const Piece& piece : pieces) {
    out.append(piece.literal);
    if (piece.parameter == SIZE_MAX) {
      continue;
    }
    value.clear();
    values_.draw(value, piece.parameter, seed, sequence);
    if (piece.place == Place::path) {
      append_percent_encoded(out, value);
    } else {
      out.append(value);
    }
  }
}

std::string_view RequestTemplate::render(std::uint64_t seed, std::uint64_t sequence) {
  if (constant_ && !rendered_.empty()) {
    return rendered_;
  }
  body_text_.clear();
  fill(body_text_, body_, seed, sequence);
  rendered_.clear();
  fill(rendered_, head_, seed, sequence);
  if (sends_length_) {
    rendered_.append("Content-Length: ").append(std::to_string(body_text_.size())).append("\r\n");
  }
  rendered_.append("\r\n").append(body_text_);
  return rendered_;
}

std::string RequestTemplate::render_path(std::uint64_t seed, std::uint64_t sequence) const {
  std::string path;
  fill(path, path_, seed, sequence);
  return path;
}

}  // namespace sk::bench
