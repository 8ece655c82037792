// A SAX handler that takes the members of one flat object; only objects and lists of objects nest,
// and another list has strings only.
#include "gateway/routes/json_body.hpp"

#include <nlohmann/json.hpp>

#include "gateway/http/json_emitter.hpp"
#include "gateway/http/json_text.hpp"
#include "gateway/routes/value_forms.hpp"

namespace latchkey {
namespace {

bool IsText(Type type) {
  return type != Type::kObject && type != Type::kObjectList && type != Type::kInteger &&
         type != Type::kBoolean;
}

class BodyReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  BodyReader(const std::vector<Argument>& arguments, std::vector<Parameter>& values)
      : arguments_(arguments), values_(values), seen_(arguments.size()) {}

  std::optional<Failure> failure() const { return failure_; }

  bool null() override {
    if (nested_.depth() > 0) return Nest([&] { nested_.Literal("null"); });
    // For a field that need not be there, null is as good as absent.
    if (!at_) return Fail("the body must be a JSON object");
    return at_->required || in_list_ ? Wrong() : true;
  }
  bool boolean(bool value) override {
    const char* text = value ? "true" : "false";
    if (nested_.depth() > 0 || !at_ || at_->type != Type::kBoolean) return Scalar(text);
    values_[index_] = text;
    return true;
  }
  bool number_integer(number_integer_t value) override { return Integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    const auto top = static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max());
    if (value <= top) return Integer(static_cast<int64_t>(value));
    const bool is_field = nested_.depth() == 0 && at_ && at_->type == Type::kInteger;
    return is_field ? OutOfRange() : Scalar(std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override { return Scalar(text); }
  bool binary(binary_t&) override { return Fail("the body is not valid JSON"); }

  bool string(string_t& value) override {
    if (nested_.depth() > 0) return Nest([&] { nested_.String(value); });
    if (!at_) return Fail("the body must be a JSON object");
    const bool is_list = at_->type == Type::kTextList;
    if (!IsText(at_->type) || is_list != in_list_) return Wrong();
    if (value.find('\0') != std::string::npos) return FailField("contains the character U+0000");
    if (value.empty() && (at_->required || is_list)) return FailField("must not be empty");
    if (CountCharacters(value) > at_->max_length) {
      return FailField("is longer than " + std::to_string(at_->max_length) + " characters");
    }
    if (is_list) return AddElement(value);
    const std::string wrong = WrongForm(at_->type, value);
    if (!wrong.empty()) return FailField(wrong);
    values_[index_] = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (nested_.depth() > 0) return Nest([&] { nested_.BeginObject(); });
    if (!inside_) return inside_ = true;
    if (at_->type != Type::kObject) return Wrong();
    return Nest([&] { nested_.BeginObject(); });
  }
  bool end_object() override {
    if (nested_.depth() == 0) return true;  // the body itself
    nested_.EndObject();
    if (nested_.depth() == 0) values_[index_] = nested_.Take();
    return true;
  }
  bool start_array(std::size_t) override {
    if (nested_.depth() > 0) return Nest([&] { nested_.BeginArray(); });
    if (!at_) return Fail("the body must be a JSON object");
    if (at_->type == Type::kObjectList) return Nest([&] { nested_.BeginArray(); });
    if (at_->type != Type::kTextList || in_list_) return Wrong();
    in_list_ = true;
    list_ = "{";
    return true;
  }
  bool end_array() override {
    if (in_list_) {
      in_list_ = false;
      values_[index_] = list_ + "}";
      return true;
    }
    nested_.EndArray();
    if (nested_.depth() == 0) values_[index_] = nested_.Take();
    return true;
  }

  bool key(string_t& name) override {
    if (nested_.depth() > 0) return Nest([&] { nested_.Key(name); });
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i].source != Source::kBody || name != arguments_[i].name) continue;
      at_ = &arguments_[i];
      index_ = i;
      if (seen_[i]) return FailField("is given twice");
      seen_[i] = true;
      return true;
    }
    const bool short_enough = CountCharacters(name) <= 64;
    return Fail(short_enough ? "the field \"" + name + "\" is not known" : "a field is not known");
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return Fail("the body is not valid JSON in UTF-8");
  }

 private:
  bool Fail(std::string detail) {
    if (!failure_) failure_ = Failure{ErrorId::InvalidArgument, std::move(detail)};
    return false;
  }
  bool FailField(const std::string& what) {
    return Fail("the field \"" + std::string(at_->name) + "\" " + what);
  }
  bool Wrong() {
    switch (at_->type) {
      case Type::kObject:
        return FailField("must be an object");
      case Type::kInteger:
        return FailField("must be an integer");
      case Type::kBoolean:
        return FailField("must be true or false");
      case Type::kTextList:
        return FailField("must be an array of strings");
      case Type::kObjectList:
        return FailField("must be an array of objects");
      default:
        return FailField("must be a string");
    }
  }

  // Into the text form of a PostgreSQL text[].
  bool AddElement(const std::string& value) {
    list_ += list_.size() > 1 ? ",\"" : "\"";
    for (char c : value) {
      if (c == '"' || c == '\\') list_ += '\\';
      list_ += c;
    }
    list_ += '"';
    return true;
  }

  template <typename Emit>
  bool Nest(const Emit& emit) {
    emit();
    return nested_.broken() ? FailField(nested_.reason()) : true;
  }

  // A value that no field of a body can have: it may stand inside of an object only.
  bool Scalar(const std::string& text) {
    if (nested_.depth() > 0) return Nest([&] { nested_.Literal(text); });
    return at_ ? Wrong() : Fail("the body must be a JSON object");
  }
  bool OutOfRange() { return FailField("must be from 0 to " + std::to_string(at_->max_length)); }
  bool Integer(int64_t value) {
    if (nested_.depth() > 0 || !at_ || at_->type != Type::kInteger) {
      return Scalar(std::to_string(value));
    }
    if (value < 0 || value > static_cast<int64_t>(at_->max_length)) return OutOfRange();
    values_[index_] = std::to_string(value);
    return true;
  }

  const std::vector<Argument>& arguments_;
  std::vector<Parameter>& values_;
  std::vector<bool> seen_;
  const Argument* at_ = nullptr;
  size_t index_ = 0;
  bool inside_ = false;
  bool in_list_ = false;
  std::string list_;
  JsonEmitter nested_;
  std::optional<Failure> failure_;
};

}  // namespace

std::optional<Failure> ReadJsonBody(std::string_view body, const std::vector<Argument>& arguments,
                                    std::vector<Parameter>& values) {
  if (!body.empty()) {
    BodyReader reader(arguments, values);
    const bool complete = nlohmann::json::sax_parse(body.begin(), body.end(), &reader);
    if (reader.failure()) return reader.failure();
    if (!complete) return Failure{ErrorId::InvalidArgument, "the body is not valid JSON in UTF-8"};
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    if (argument.source == Source::kBody && argument.required && !values[i]) {
      return Failure{ErrorId::InvalidArgument,
                     "the field \"" + std::string(argument.name) + "\" is missing"};
    }
  }
  return std::nullopt;
}

}  // namespace latchkey
