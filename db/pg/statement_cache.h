// StatementCache knows which statements one connection has prepared, least recently used first to
// go.
//
// The key is the SQL text together with the types of its parameters. Names are never reused, so a
// statement that was forgotten cannot be mistaken for a later one.
#pragma once

#include "net/core/intrusive_list.h"

#include "db/pg/parameters.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sk::pg {

struct LruTag {};

struct PreparedStatement : ListHook<LruTag> {
  std::uint64_t id = 0;
  std::string name;
  std::string sql;
  std::vector<Oid> types;
};

class StatementCache {
 public:
  explicit StatementCache(std::size_t statements_max) : statements_max_(statements_max) {}

  // The statement, now the most recently used; nullptr if it is not prepared.
  PreparedStatement* find(std::string_view sql, std::span<const Oid> types);
  // Adds one that find() did not know. Where the cache is full, the least recently used leaves and
  // its name is put into evicted: the server has to be told.
  PreparedStatement& add(std::string_view sql, std::span<const Oid> types, std::string& evicted);
  // Does nothing where it has left already.
  void forget(std::uint64_t id);

  [[nodiscard]] std::size_t size() const { return statements_.size(); }

 private:
  struct Key {
    std::string_view sql;
    std::span<const Oid> types;
    bool operator==(const Key& other) const;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };

  // Every entry is in both; keys point into their entry.
  std::unordered_map<Key, std::unique_ptr<PreparedStatement>, Hash> statements_;
  IntrusiveList<PreparedStatement, LruTag> by_use_;  // least recent first
  std::size_t statements_max_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sk::pg
