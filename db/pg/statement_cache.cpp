#include "db/pg/statement_cache.h"

#include <algorithm>
#include <functional>

namespace sk::pg {

bool StatementCache::Key::operator==(const Key& other) const {
  return sql == other.sql && std::ranges::equal(types, other.types);
}

std::size_t StatementCache::Hash::operator()(const Key& key) const {
  std::size_t hash = std::hash<std::string_view>()(key.sql);
  for (const Oid type : key.types) {
    hash = hash * 31 + type;
  }
  return hash;
}

PreparedStatement* StatementCache::find(std::string_view sql, std::span<const Oid> types) {
  const auto found = statements_.find(Key{sql, types});
  if (found == statements_.end()) {
    return nullptr;
  }
  PreparedStatement& statement = *found->second;
  ListHook<LruTag>& hook = statement;
  hook.unlink();
  by_use_.push_back(statement);
  return &statement;
}

PreparedStatement& StatementCache::add(std::string_view sql, std::span<const Oid> types,
                                       std::string& evicted) {
  if (statements_.size() >= statements_max_) {
    PreparedStatement& oldest = by_use_.front();
    evicted = oldest.name;
    forget(oldest.id);
  }
  auto own = std::make_unique<PreparedStatement>();
  PreparedStatement& statement = *own;
  statement.id = ++last_id_;
  statement.name = "sk" + std::to_string(statement.id);
  statement.sql = sql;
  statement.types.assign(types.begin(), types.end());
  statements_.emplace(Key{statement.sql, statement.types}, std::move(own));
  by_use_.push_back(statement);
  return statement;
}

void StatementCache::forget(std::uint64_t id) {
  // Rare, so a walk over the cache will do.
  const auto found =
      std::ranges::find_if(statements_, [id](const auto& entry) { return entry.second->id == id; });
  if (found != statements_.end()) {
    const std::unique_ptr<PreparedStatement> last = std::move(found->second);
    statements_.erase(found);  // before the entry that its key points into
  }
}

}  // namespace sk::pg
