#include "db/pg/executor.h"

#include <string>

namespace sk::pg {
namespace {

// `column 3 ("note")`, counted from 1 as SQL does.
std::string column_text(const RowSet& rows, std::size_t column) {
  std::string text = "column " + std::to_string(column + 1) + " (\"";
  text.append(rows.column_name(column)).append("\")");
  return text;
}

Error mismatch(const std::string& message) { return make_error(ErrorKind::type_mismatch, message); }

}  // namespace

Error wrong_column_count(const RowSet& rows, std::size_t expected) {
  return mismatch("the statement returns " + std::to_string(rows.columns()) +
                  " columns where the C++ type has " + std::to_string(expected) + " fields");
}

Error wrong_column_type(const RowSet& rows, std::size_t column, std::string_view expected) {
  return mismatch(column_text(rows, column) + " has the type with OID " +
                  std::to_string(rows.column_type(column)) + " where the C++ type wants " +
                  std::string(expected) + ": add a cast to the SQL or change the field");
}

Error unexpected_null(const RowSet& rows, std::size_t column) {
  return mismatch(column_text(rows, column) + " is NULL: make the field a std::optional");
}

Error broken_value(const RowSet& rows, std::size_t column) {
  return mismatch(column_text(rows, column) + " has a value that its type's format does not allow");
}

Error no_rows() { return make_error(ErrorKind::no_rows, "the statement returned no row"); }

Error too_many_rows(std::size_t count) {
  return make_error(ErrorKind::too_many_rows, "the statement returned " + std::to_string(count) +
                                                  " rows where at most one was expected");
}

}  // namespace sk::pg
