// A scanner of SQL that knows just enough to find where statements end.
#include "gateway/tenants/sql_statements.hpp"

#include <algorithm>
#include <cctype>

namespace latchkey {
namespace {

bool IsWordStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80) != 0;
}

bool IsWordPart(char c) {
  return IsWordStart(c) || std::isdigit(static_cast<unsigned char>(c)) || c == '$';
}

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  std::vector<SqlStatement> Run() {
    while (at_ < sql_.size()) {
      if (SkipComment()) continue;
      const char c = sql_[at_];
      if (std::isspace(static_cast<unsigned char>(c))) {
        ++at_;
      } else if (c == ';' && parentheses_ == 0 && bodies_ == 0) {
        ++at_;
        End();
      } else {
        Begin();
        TakeToken(c);
      }
    }
    End();
    return std::move(found_);
  }

 private:
  bool Sees(std::string_view text) const { return sql_.substr(at_, text.size()) == text; }

  void SkipPast(std::string_view text) {
    const size_t end = sql_.find(text, at_);
    at_ = end == std::string_view::npos ? sql_.size() : end + text.size();
  }

  bool SkipComment() {
    if (Sees("--")) {
      SkipPast("\n");
      return true;
    }
    if (!Sees("/*")) return false;
    int depth = 0;
    while (at_ < sql_.size()) {
      const bool opens = Sees("/*"), closes = Sees("*/");
      at_ += opens || closes ? 2 : 1;
      depth += opens ? 1 : closes ? -1 : 0;
      if (depth == 0) break;
    }
    return true;
  }

  void TakeToken(char c) {
    if (c == '\'' || c == '"') return TakeQuoted(c, false);
    if (c == '$') return TakeDollar();
    if (IsWordStart(c)) return TakeWord();
    if (c == '(') ++parentheses_;
    if (c == ')') parentheses_ = std::max(0, parentheses_ - 1);
    ++at_;
  }

  // A doubled quote is two strings to us, which comes to the same.
  void TakeQuoted(char quote, bool escapes) {
    for (++at_; at_ < sql_.size() && sql_[at_] != quote; ++at_) {
      if (escapes && sql_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  void TakeDollar() {
    size_t end = at_ + 1;
    while (end < sql_.size() && IsWordPart(sql_[end]) && sql_[end] != '$') ++end;
    const bool parameter = end > at_ + 1 && std::isdigit(static_cast<unsigned char>(sql_[at_ + 1]));
    if (end >= sql_.size() || sql_[end] != '$' || parameter) {
      ++at_;
      return;
    }
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    SkipPast(tag);
  }

  void TakeWord() {
    std::string word;
    for (; at_ < sql_.size() && IsWordPart(sql_[at_]); ++at_) {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql_[at_])));
    }
    if (word == "E" && at_ < sql_.size() && sql_[at_] == '\'') return TakeQuoted('\'', true);
    std::string& words = found_.back().words;
    if (++words_ <= 2) words += (words_ == 2 ? " " : "") + word;
    // Within a body of BEGIN ATOMIC semicolons end nothing, and CASE has an END of its own.
    if ((word == "ATOMIC" && last_ == "BEGIN") || (word == "CASE" && bodies_ > 0)) ++bodies_;
    if (word == "END" && bodies_ > 0) --bodies_;
    last_ = word;
  }

  void Begin() {
    if (open_) return;
    open_ = true;
    line_ += static_cast<size_t>(std::count(sql_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                            sql_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    counted_ = at_;
    found_.push_back({line_, ""});
  }

  void End() {
    open_ = false;
    words_ = 0;
    parentheses_ = 0;
    last_.clear();
  }

  const std::string_view sql_;
  size_t at_ = 0;
  size_t line_ = 1, counted_ = 0;  // the line of the byte `counted_`
  bool open_ = false;
  int words_ = 0, parentheses_ = 0, bodies_ = 0;
  std::string last_;
  std::vector<SqlStatement> found_;
};

}  // namespace

std::vector<SqlStatement> FindStatements(std::string_view sql) { return Scanner(sql).Run(); }

bool ControlsTransaction(const SqlStatement& statement) {
  static const char* const first[] = {"BEGIN", "COMMIT",    "END",    "ROLLBACK",
                                      "ABORT", "SAVEPOINT", "RELEASE"};
  const std::string word = statement.words.substr(0, statement.words.find(' '));
  return std::find(std::begin(first), std::end(first), word) != std::end(first) ||
         statement.words == "START TRANSACTION" || statement.words == "PREPARE TRANSACTION";
}

size_t LineAt(std::string_view text, size_t position) {
  size_t line = 1, characters = 0;
  for (const char c : text) {
    if ((c & 0xC0) != 0x80 && ++characters == position) break;
    if (c == '\n') ++line;
  }
  return line;
}

}  // namespace latchkey
