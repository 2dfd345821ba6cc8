// Executor runs statements: the face that a handler sees of a Client (shared connections), and
// later of a transaction.
//
//   auto item = co_await db.one<Item>(scope, "select id, name from items where id = $1", id);
//   auto page = co_await db.many<Item>(scope, "select ... where id > $1 order by id limit 20",
//   after); auto gone = co_await db.exec(scope, "delete from items where id = $1", id);   // rows
//   affected
//
// T is a struct described with SK_FIELDS, whose fields are the columns in that order, or one value
// that has a Codec, for statements with one column. Column types are checked, and so is NULL
// against std::optional: a mismatch is type_mismatch, never a wrong value.
//
// The SQL text is the key of the prepared statement: keep it constant and pass values as $1, $2,
// ... (the text must live until the await ends; values are copied). Results are held in memory as a
// whole, so say LIMIT.
//
// The wait ends at the scope's deadline, at the latest after the executor's own timeout. A waiter
// that leaves early frees its frame at once; a statement that was sent then runs on, and its answer
// is dropped when it comes.
#pragma once

#include "net/core/struct_fields.h"

#include "db/pg/codec.h"
#include "db/pg/error.h"
#include "db/pg/query.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::pg {

// The errors of row mapping, with the column's name and the fix.
[[nodiscard]] Error wrong_column_count(const RowSet& rows, std::size_t expected);
[[nodiscard]] Error wrong_column_type(const RowSet& rows, std::size_t column,
                                      std::string_view expected);
[[nodiscard]] Error unexpected_null(const RowSet& rows, std::size_t column);
[[nodiscard]] Error broken_value(const RowSet& rows, std::size_t column);
[[nodiscard]] Error no_rows();
[[nodiscard]] Error too_many_rows(std::size_t count);

namespace detail {

template <typename T>
struct Unwrapped {
  using Type = T;
  static constexpr bool kNullable = false;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
  static constexpr bool kNullable = true;
};

template <typename T>
[[nodiscard]] std::optional<Error> check_column(const RowSet& rows, std::size_t column) {
  using Value = typename Unwrapped<T>::Type;
  if (!Codec<Value>::accepts(rows.column_type(column))) {
    return wrong_column_type(rows, column, Codec<Value>::kName);
  }
  return std::nullopt;
}

template <typename T>
[[nodiscard]] std::optional<Error> read_cell(const RowSet& rows, std::size_t row,
                                             std::size_t column, T& out) {
  const Cell cell = rows.cell(row, column);
  if constexpr (Unwrapped<T>::kNullable) {
    if (cell.null) {
      out.reset();
      return std::nullopt;
    }
    if (!Codec<typename Unwrapped<T>::Type>::decode(cell, out.emplace())) {
      return broken_value(rows, column);
    }
  } else {
    if (cell.null) {
      return unexpected_null(rows, column);
    }
    if (!Codec<T>::decode(cell, out)) {
      return broken_value(rows, column);
    }
  }
  return std::nullopt;
}

template <typename T>
[[nodiscard]] std::optional<Error> check_columns(const RowSet& rows) {
  constexpr std::size_t kColumns = [] {
    if constexpr (Described<T>) {
      return field_count<T>;
    } else {
      return std::size_t{1};
    }
  }();
  if (rows.columns() != kColumns) {
    return wrong_column_count(rows, kColumns);
  }
  std::optional<Error> error;
  if constexpr (Described<T>) {
    for_each_field_index<T>([&](auto index, const auto& field) {
      using Member = typename std::remove_cvref_t<decltype(field)>::value_type;
      if (!error) {
        error = check_column<Member>(rows, index);
      }
    });
  } else {
    error = check_column<T>(rows, 0);
  }
  return error;
}

template <typename T>
[[nodiscard]] std::optional<Error> read_row(const RowSet& rows, std::size_t row, T& out) {
  if constexpr (Described<T>) {
    std::optional<Error> error;
    for_each_field_index<T>([&](auto index, const auto& field) {
      if (!error) {
        error = read_cell(rows, row, index, out.*field.member);
      }
    });
    return error;
  } else {
    return read_cell(rows, row, 0, out);
  }
}

}  // namespace detail

// All rows as values.
template <typename T>
[[nodiscard]] Result<std::vector<T>> read_many(const RowSet& rows) {
  if (auto error = detail::check_columns<T>(rows)) {
    return std::unexpected(std::move(*error));
  }
  std::vector<T> values(rows.size());
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (auto error = detail::read_row(rows, row, values[row])) {
      return std::unexpected(std::move(*error));
    }
  }
  return values;
}

// The only row, or nothing.
template <typename T>
[[nodiscard]] Result<std::optional<T>> read_opt(const RowSet& rows) {
  if (auto error = detail::check_columns<T>(rows)) {
    return std::unexpected(std::move(*error));
  }
  if (rows.size() > 1) {
    return std::unexpected(too_many_rows(rows.size()));
  }
  std::optional<T> value;
  if (rows.size() == 1) {
    if (auto error = detail::read_row(rows, 0, value.emplace())) {
      return std::unexpected(std::move(*error));
    }
  }
  return value;
}

template <typename T>
[[nodiscard]] Result<T> read_one(const RowSet& rows) {
  Result<std::optional<T>> value = read_opt<T>(rows);
  if (!value) {
    return std::unexpected(std::move(value.error()));
  }
  if (!value->has_value()) {
    return std::unexpected(no_rows());
  }
  return std::move(**value);
}

[[nodiscard]] inline Result<std::uint64_t> read_affected(const RowSet& rows) {
  return rows.affected();
}

class Executor {
 public:
  // Exactly one row; no_rows or too_many_rows otherwise. Result<T>.
  template <typename T, typename... Values>
  [[nodiscard]] auto one(CancelScope& scope, std::string_view sql, const Values&... values) {
    return TypedQuery<read_one<T>>(*this, scope, sql, make_parameters(values...));
  }

  // One row or none. Result<std::optional<T>>.
  template <typename T, typename... Values>
  [[nodiscard]] auto opt(CancelScope& scope, std::string_view sql, const Values&... values) {
    return TypedQuery<read_opt<T>>(*this, scope, sql, make_parameters(values...));
  }

  // Any number of rows. Result<std::vector<T>>.
  template <typename T, typename... Values>
  [[nodiscard]] auto many(CancelScope& scope, std::string_view sql, const Values&... values) {
    return TypedQuery<read_many<T>>(*this, scope, sql, make_parameters(values...));
  }

  // A statement whose rows do not matter. Result<std::uint64_t>: how many it affected.
  template <typename... Values>
  [[nodiscard]] auto exec(CancelScope& scope, std::string_view sql, const Values&... values) {
    return TypedQuery<read_affected>(*this, scope, sql, make_parameters(values...));
  }

 protected:
  explicit Executor(Duration timeout) : timeout_(timeout) {}
  ~Executor() = default;

 private:
  friend class Query;

  // Takes the query in; finish() or fail() will be called on it once, not from inside this call.
  virtual void submit(Query& query) = 0;
  // The waiter left: nobody may touch the query after this call.
  virtual void withdraw(Query& query) = 0;

  Duration timeout_;  // the longest wait for an answer
};

}  // namespace sk::pg
