// RowSet is the answer to one statement: rows of cells in PostgreSQL's binary format.
//
// Owns its memory; cells point into it. Handlers seldom see it: Executor::one<T>() and its siblings
// turn rows into structs.
#pragma once

#include "db/pg/parameters.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sk::pg {

struct Cell {
  Oid type = 0;
  bool null = false;
  std::string_view bytes;
};

class RowSet {
 public:
  RowSet() = default;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t columns() const;
  [[nodiscard]] Oid column_type(std::size_t column) const;
  [[nodiscard]] std::string_view column_name(std::size_t column) const;
  [[nodiscard]] Cell cell(std::size_t row, std::size_t column) const;
  // Rows that INSERT, UPDATE, DELETE or MERGE changed, or that SELECT returned.
  [[nodiscard]] std::uint64_t affected() const;

  // For the lane, which knows what the memory really is.
  explicit RowSet(void* native) : native_(native) {}

 private:
  struct Free {
    void operator()(void* native) const;
  };
  std::unique_ptr<void, Free> native_;
};

}  // namespace sk::pg
