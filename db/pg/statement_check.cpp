#include "db/pg/statement_check.h"

#include <algorithm>
#include <array>

namespace sk::pg {
namespace {

constexpr std::array<std::string_view, 22> kSessionWords = {
    "abort", "begin",    "close",     "commit", "copy",  "deallocate", "declare", "discard",
    "end",   "fetch",    "listen",    "load",   "lock",  "move",       "prepare", "release",
    "reset", "rollback", "savepoint", "set",    "start", "unlisten"};

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// sql without one comment that it begins with; PostgreSQL's block comments nest.
std::string_view after_comment(std::string_view sql) {
  if (sql.starts_with("--")) {
    const std::size_t end = sql.find('\n');
    return end == std::string_view::npos ? std::string_view() : sql.substr(end + 1);
  }
  std::size_t depth = 0;
  for (std::size_t i = 0; i + 1 < sql.size();) {
    const std::string_view two = sql.substr(i, 2);
    if (two == "/*") {
      ++depth;
      i += 2;
    } else if (two == "*/") {
      i += 2;
      if (--depth == 0) {
        return sql.substr(i);
      }
    } else {
      ++i;
    }
  }
  return {};
}

}  // namespace

std::string_view session_statement(std::string_view sql) {
  while (!sql.empty()) {
    if (is_space(sql.front()) || sql.front() == ';') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--") || sql.starts_with("/*")) {
      sql = after_comment(sql);
    } else {
      break;
    }
  }
  const auto end = std::ranges::find_if_not(sql, is_letter);
  const std::string_view word(sql.begin(), end);
  const auto same = [word](std::string_view candidate) {
    return std::ranges::equal(word, candidate, {},
                              [](char c) { return static_cast<char>(c | 0x20); });
  };
  return std::ranges::any_of(kSessionWords, same) ? word : std::string_view();
}

}  // namespace sk::pg
