// Where the statements of an SQL script begin: for messages, and to find what ends a transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

struct SqlStatement {
  size_t line;        // of its first word, from 1
  std::string words;  // its first two words, upper-case, with a space between
};

// Reads as psql does: quotes, dollar quotes, nested comments, and bodies of BEGIN ATOMIC … END.
// Empty statements are left out, as the server answers none of them.
std::vector<SqlStatement> FindStatements(std::string_view sql);

// Whether the statement begins or ends a transaction, or a part of one.
bool ControlsTransaction(const SqlStatement& statement);

// The line, from 1, of the `position`-th character (from 1, as the server counts) of UTF-8 text.
size_t LineAt(std::string_view text, size_t position);

}  // namespace latchkey
