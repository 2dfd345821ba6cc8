#include "db/pg/row_set.h"

#include <libpq-fe.h>

#include <charconv>
#include <cstring>

namespace sk::pg {
namespace {

const PGresult* of(const void* native) { return static_cast<const PGresult*>(native); }

}  // namespace

void RowSet::Free::operator()(void* native) const { PQclear(static_cast<PGresult*>(native)); }

std::size_t RowSet::size() const { return static_cast<std::size_t>(PQntuples(of(native_.get()))); }

std::size_t RowSet::columns() const {
  return static_cast<std::size_t>(PQnfields(of(native_.get())));
}

Oid RowSet::column_type(std::size_t column) const {
  return PQftype(of(native_.get()), static_cast<int>(column));
}

std::string_view RowSet::column_name(std::size_t column) const {
  const char* name = PQfname(of(native_.get()), static_cast<int>(column));
  return name == nullptr ? std::string_view() : std::string_view(name);
}

Cell RowSet::cell(std::size_t row, std::size_t column) const {
  const PGresult* result = of(native_.get());
  const int r = static_cast<int>(row);
  const int c = static_cast<int>(column);
  return {.type = PQftype(result, c),
          .null = PQgetisnull(result, r, c) != 0,
          .bytes = {PQgetvalue(result, r, c), static_cast<std::size_t>(PQgetlength(result, r, c))}};
}

std::uint64_t RowSet::affected() const {
  if (native_ == nullptr) {
    return 0;
  }
  const char* text = PQcmdTuples(static_cast<PGresult*>(native_.get()));
  std::uint64_t count = 0;
  std::from_chars(text, text + std::strlen(text), count);
  return count;
}

}  // namespace sk::pg
