// A SAX handler that cuts a file of users into entries.
#include "gateway/commands/users_file.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gateway/http/json_emitter.hpp"
#include "gateway/http/json_text.hpp"

namespace latchkey {
namespace {

// Stands for what is not UTF-8: U+FDD0, which Unicode reserves for inside use. Its entry is
// refused.
constexpr char kBadText[] = "\xEF\xB7\x90";

bool IsSecretName(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* part : {"pass", "pwd", "hash", "token", "secret", "salt"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

class EntryReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Literal("null"); }
  bool boolean(bool value) override { return Literal(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Literal(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Literal(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return Literal(text); }
  bool binary(binary_t&) override { return false; }

  bool string(string_t& value) override {
    if (full_.depth() == 0) return RejectScalar();
    CheckText(value);
    if (at_email_) {
      at_email_ = false;
      if (keyed_ && value != entry_.email) Reject("the email differs from the entry's key");
      if (keyed_) return true;  // it was written when the entry began
      entry_.email = value;
    }
    full_.String(value);
    if (Shows()) shown_.String(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (ignored_levels_ > 0) return ++ignored_levels_ > 0;
    if (full_.depth() == 0 && !InContainer()) return Open(true);
    if (full_.depth() == 0) {
      BeginEntry();
      return true;
    }
    RefuseEmail();
    if (BeginsHidden()) hidden_from_ = full_.depth() + 1;
    if (hidden_from_ == 0) shown_.BeginObject();
    full_.BeginObject();
    return true;
  }
  bool end_object() override {
    if (ignored_levels_ > 0) return --ignored_levels_ >= 0;
    if (full_.depth() == 0) return Close();
    full_.EndObject();
    EndShown([this] { shown_.EndObject(); });
    if (full_.depth() == 0) EndEntry();
    return true;
  }

  bool start_array(std::size_t) override {
    if (ignored_levels_ > 0) return ++ignored_levels_ > 0;
    if (full_.depth() == 0 && !InContainer()) return Open(false);
    if (full_.depth() == 0) {
      RejectScalar();
      return ++ignored_levels_ > 0;
    }
    RefuseEmail();
    if (BeginsHidden()) hidden_from_ = full_.depth() + 1;
    if (hidden_from_ == 0) shown_.BeginArray();
    full_.BeginArray();
    return true;
  }
  bool end_array() override {
    if (ignored_levels_ > 0) return --ignored_levels_ >= 0;
    if (full_.depth() == 0) return Close();
    full_.EndArray();
    EndShown([this] { shown_.EndArray(); });
    return true;
  }

  bool key(string_t& name) override {
    if (ignored_levels_ > 0) return true;
    if (full_.depth() == 0) {
      key_ = name;
      return true;
    }
    CheckText(name);
    at_email_ = full_.depth() == 1 && name == "email";
    if (at_email_ && keyed_) return true;
    full_.Key(name);
    if (hidden_from_ != 0) return true;
    shown_.Key(name);
    hides_next_ = IsSecretName(name);
    if (hides_next_) shown_.String("(removed)");
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_ = "not valid JSON near byte " + std::to_string(position);
    return false;
  }

  UsersFile Result() {
    if (error_.empty() && containers_seen_ == 0) error_ = "neither an object nor an array";
    return {std::move(entries_), std::move(error_)};
  }

 private:
  // Entries stand in the outermost container, or in the one called "users" inside of it.
  bool InContainer() const { return containers_ == 2 || (containers_ == 1 && key_ != "users"); }

  bool Open(bool keyed) {
    ++containers_;
    ++containers_seen_;
    keyed_ = keyed;
    if (containers_ == 2) {  // what stood beside "users" were no users
      entries_.clear();
      position_ = 0;
    }
    key_.clear();
    return true;
  }
  bool Close() {
    --containers_;
    if (containers_ == 1) done_ = true;
    return true;
  }

  void Reject(const std::string& reason) {
    if (entry_.reason.empty()) entry_.reason = reason;
  }
  void CheckText(const std::string& text) {
    if (text.find(kBadText) != std::string::npos) Reject("the entry is not valid UTF-8");
  }
  // Called where a container begins: an address can't be one.
  void RefuseEmail() {
    if (!at_email_) return;
    at_email_ = false;
    Reject("the email is not a text");
    if (keyed_) full_.Key("email (given twice)");
    if (keyed_ && hidden_from_ == 0) shown_.Key("email (given twice)");
  }

  void StartNew() {
    entry_ = UserEntry{};
    entry_.position = ++position_;
    if (keyed_) entry_.email = key_;
    CheckText(entry_.email);
  }
  void BeginEntry() {
    StartNew();
    full_.BeginObject();
    shown_.BeginObject();
    if (!keyed_) return;
    for (JsonEmitter* emitter : {&full_, &shown_}) {
      emitter->Key("email");
      emitter->String(entry_.email);
    }
  }
  void EndEntry() {
    if (full_.broken()) Reject("the entry " + full_.reason());
    entry_.json = full_.Take();
    entry_.shown = shown_.Take();
    if (!done_) entries_.push_back(std::move(entry_));
  }
  // An entry that is no object, or a value inside of one that is skipped. Its text is not kept: it
  // may be a password.
  bool RejectScalar() {
    if (ignored_levels_ > 0) return true;
    if (containers_ == 0) {
      error_ = "neither an object nor an array";
      return false;
    }
    StartNew();
    Reject("the entry is not an object");
    entry_.shown = "null";
    if (!done_) entries_.push_back(std::move(entry_));
    return true;
  }

  bool Literal(const std::string& text) {
    if (full_.depth() == 0) return RejectScalar();
    if (at_email_) Reject("the email is not a text");
    const bool skipped = at_email_ && keyed_;
    at_email_ = false;
    if (skipped) return true;
    full_.Literal(text);
    if (Shows()) shown_.Literal(text);
    return true;
  }

  // Whether a scalar goes into the shown text; uses up a pending hiding.
  bool Shows() {
    if (hidden_from_ != 0) return false;
    const bool shows = !hides_next_;
    hides_next_ = false;
    return shows;
  }
  bool BeginsHidden() {
    const bool begins = hides_next_ && hidden_from_ == 0;
    hides_next_ = false;
    return begins;
  }
  // Called after the end of a container of the full text.
  template <typename End>
  void EndShown(const End& end) {
    if (hidden_from_ == 0) {
      end();
    } else if (full_.depth() < hidden_from_) {
      hidden_from_ = 0;
    }
  }

  std::vector<UserEntry> entries_;
  std::string error_;
  UserEntry entry_;
  std::string key_;
  size_t position_ = 0;
  int containers_ = 0;
  int containers_seen_ = 0;
  int ignored_levels_ = 0;  // depth inside an entry that is an array, which is skipped
  bool keyed_ = false;
  bool done_ = false;  // behind the end of "users"
  bool at_email_ = false;
  bool hides_next_ = false;
  size_t hidden_from_ = 0;  // depth of the full text where hiding began; 0: nothing is hidden
  JsonEmitter full_;
  JsonEmitter shown_;
};

int HexDigits(const std::string& text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int value = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    if (!std::isxdigit(static_cast<unsigned char>(text[i]))) return -1;
    value = value * 16 + std::stoi(text.substr(i, 1), nullptr, 16);
  }
  return value;
}

// Replaces bytes that are not UTF-8, and escaped halves of surrogate pairs, so that they spoil only
// the entry in which they stand, not the parsing of the rest.
std::string MakeParsable(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    size_t length = Utf8Length(std::string_view(text).substr(at, 4));
    const int unit = HexDigits(text, at);
    if (length == 0) {
      out += kBadText;
      length = 1;
    } else if (unit >= 0xD800 && unit <= 0xDFFF) {
      const int next = HexDigits(text, at + 6);
      const bool pair = unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF;
      length = pair ? 12 : 6;
      out += pair ? text.substr(at, 12) : std::string(kBadText);
    } else if (text[at] == '\\' && at + 1 < text.size() && unit < 0) {
      length = static_cast<unsigned char>(text[at + 1]) < 0x80 ? 2 : 1;
      out.append(text, at, length);
    } else {
      out.append(text, at, length);
    }
    at += length;
  }
  return out;
}

}  // namespace

UsersFile ReadUsersFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream bytes;
  if (stream) bytes << stream.rdbuf();
  if (!stream) return {{}, "can't read it"};
  std::string text = bytes.str();
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
  text = MakeParsable(text);
  EntryReader reader;
  nlohmann::json::sax_parse(text, &reader);
  return reader.Result();
}

}  // namespace latchkey
