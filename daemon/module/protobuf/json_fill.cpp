#include "daemon/module/protobuf/json_fill.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "daemon/module/protobuf/json_number.hpp"
#include "daemon/module/protobuf/parse_message.hpp"
#include "daemon/module/protobuf/well_known.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace pb = google::protobuf;
using nlohmann::ordered_json;

namespace {

/// Adds a part to a path while it lives.
class below {
 public:
  below(std::string& path, std::string_view part) : path_(path), size_(path.size()) {
    if (!path_.empty() && !part.starts_with('[')) path_ += '.';
    path_ += part;
  }
  ~below() { path_.resize(size_); }
  below(const below&) = delete;
  below& operator=(const below&) = delete;

 private:
  std::string& path_;
  const std::size_t size_;
};

bool is_null_value(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM &&
         field.enum_type()->full_name() == "google.protobuf.NullValue";
}

// Null is a value of these; of all others it means that the field is left out.
bool takes_null(const pb::FieldDescriptor& field) {
  if (field.is_repeated()) return false;
  const bool is_value =
      field.message_type() != nullptr && kind_of(*field.message_type()) == well_known::value;
  return is_value || is_null_value(field);
}

}  // namespace

std::optional<protocol::codec_error> json_fill::run(const json& values, message_type& to) {
  path_.clear();
  if (protocol::is_deeper(values, options_.depth))
    return protocol::codec_error{
        "", 0,
        fmt::format("the values are nested deeper than {} levels (limits.json_depth)", options_.depth)};
  if (!values.is_null() && !message(values, to)) return error_;
  if (!is_complete(to, options_.proto_names, error_)) return error_;
  return std::nullopt;
}

bool json_fill::fail(std::string why) {
  error_ = {path_, 0, std::move(why)};
  return false;
}

bool json_fill::expected(const char* what, const json& found) {
  return fail(fmt::format("expected {}, found {}", what, protocol::kind_of(found)));
}

bool json_fill::message(const json& from, message_type& to) {
  const pb::Descriptor& type = *to.GetDescriptor();
  const well_known kind = kind_of(type);
  if (is_text(kind)) {
    if (!from.is_string()) return expected("a text", from);
    std::string why = set_text(to, kind, from.get<std::string>());
    return why.empty() || fail(std::move(why));
  }
  switch (kind) {
    case well_known::wrapper:
      return scalar(from, *type.FindFieldByNumber(1), to, false);
    case well_known::structure:
      return map(from, *type.FindFieldByNumber(1), to);
    case well_known::list_value:
      return list(from, *type.FindFieldByNumber(1), to);
    case well_known::value:
      return value(from, to);
    case well_known::any:
      return any(from, to);
    default:
      return fields(from, to, false);
  }
}

const pb::FieldDescriptor* json_fill::find(const message_type& in, const std::string& key) const {
  const pb::Descriptor& type = *in.GetDescriptor();
  if (key.size() > 2 && key.front() == '[' && key.back() == ']')
    return files_.FindExtensionByPrintableName(&type, key.substr(1, key.size() - 2));
  for (int i = 0; i < type.field_count(); ++i)
    if (type.field(i)->json_name() == key) return type.field(i);
  if (const auto* field = type.FindFieldByName(key)) return field;
  return nullptr;
}

bool json_fill::unknown(const message_type& in, const std::string& key) {
  std::vector<std::string> known;
  const pb::Descriptor& type = *in.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i)
    known.push_back(json_key(*type.field(i), options_.proto_names));
  const std::string hint = protocol::suggest(key, known);
  const below here(path_, key);
  return fail(fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint));
}

bool json_fill::fields(const json& from, message_type& to, bool within_any) {
  if (!from.is_object()) return expected("a map", from);
  std::vector<const field_type*> done;
  for (const auto& [key, given] : from.items()) {
    if (within_any && key == "@type") continue;
    const field_type* const known = find(to, key);
    if (known == nullptr) return unknown(to, key);
    const below here(path_, key);
    for (const field_type* other : done) {
      if (other == known) return fail("the field is given twice, by both of its names");
      const bool is_null = given.is_null() && !takes_null(*known);
      if (!is_null && known->real_containing_oneof() != nullptr &&
          known->real_containing_oneof() == other->real_containing_oneof())
        return fail(fmt::format("'{}' is given, too, and only one of them can be (oneof {})",
                                json_key(*other, options_.proto_names), known->containing_oneof()->name()));
    }
    if (given.is_null() && !takes_null(*known)) continue;
    done.push_back(known);
    if (!field(given, *known, to)) return false;
  }
  return true;
}

bool json_fill::field(const json& from, const field_type& field, message_type& to) {
  if (field.is_map()) return map(from, field, to);
  if (field.is_repeated()) return list(from, field, to);
  if (field.cpp_type() != field_type::CPPTYPE_MESSAGE) return scalar(from, field, to, false);
  return message(from, *to.GetReflection()->MutableMessage(&to, &field, &factory_));
}

bool json_fill::list(const json& from, const field_type& field, message_type& to) {
  if (!from.is_array()) return expected("a list", from);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const below here(path_, fmt::format("[{}]", i));
    const bool is_message = field.cpp_type() == field_type::CPPTYPE_MESSAGE;
    const bool good = is_message ? message(from[i], *to.GetReflection()->AddMessage(&to, &field, &factory_))
                                 : scalar(from[i], field, to, true);
    if (!good) return false;
  }
  return true;
}

bool json_fill::map(const json& from, const field_type& field, message_type& to) {
  if (!from.is_object()) return expected("a map", from);
  const field_type& key = *field.message_type()->map_key();
  const field_type& value = *field.message_type()->map_value();
  for (const auto& [name, given] : from.items()) {
    const below here(path_, name);
    message_type& entry = *to.GetReflection()->AddMessage(&to, &field, &factory_);
    if (!map_key(name, key, entry)) return false;
    if (given.is_null() && !takes_null(value)) return expected("a value", given);
    const bool is_message = value.cpp_type() == field_type::CPPTYPE_MESSAGE;
    const bool good = is_message
                          ? message(given, *entry.GetReflection()->MutableMessage(&entry, &value, &factory_))
                          : scalar(given, value, entry, false);
    if (!good) return false;
  }
  return true;
}

bool json_fill::map_key(const std::string& text, const field_type& key, message_type& entry) {
  if (key.cpp_type() == field_type::CPPTYPE_BOOL) {
    if (text != "true" && text != "false") return fail("expected true or false as the key");
    entry.GetReflection()->SetBool(&entry, &key, text == "true");
    return true;
  }
  if (!scalar(json(text), key, entry, false)) {
    error_.message = "the key does not fit: " + error_.message;
    return false;
  }
  return true;
}

bool json_fill::scalar(const json& from, const field_type& field, message_type& to, bool adds) {
  const pb::Reflection& change = *to.GetReflection();
  const auto put = [&](const auto& read, auto set, auto add, const char* what) {
    if (!read && !from.is_number() && !from.is_string()) return expected(what, from);
    if (!read)
      return fail(fmt::format("expected {}, found {}", what,
                              from.dump(-1, ' ', true, json::error_handler_t::replace)));
    adds ? (change.*add)(&to, &field, *read) : (change.*set)(&to, &field, *read);
    return true;
  };
  using pb::Reflection;
  switch (field.cpp_type()) {
    case field_type::CPPTYPE_INT32:
      return put(json_integer<std::int32_t>(from), &Reflection::SetInt32, &Reflection::AddInt32,
                 "an integer of 32 bits");
    case field_type::CPPTYPE_INT64:
      return put(json_integer<std::int64_t>(from), &Reflection::SetInt64, &Reflection::AddInt64,
                 "an integer of 64 bits");
    case field_type::CPPTYPE_UINT32:
      return put(json_integer<std::uint32_t>(from), &Reflection::SetUInt32, &Reflection::AddUInt32,
                 "an integer of 32 bits from 0 on");
    case field_type::CPPTYPE_UINT64:
      return put(json_integer<std::uint64_t>(from), &Reflection::SetUInt64, &Reflection::AddUInt64,
                 "an integer of 64 bits from 0 on");
    case field_type::CPPTYPE_DOUBLE:
      return put(json_real<double>(from), &Reflection::SetDouble, &Reflection::AddDouble, "a number");
    case field_type::CPPTYPE_FLOAT:
      return put(json_real<float>(from), &Reflection::SetFloat, &Reflection::AddFloat, "a number of 32 bits");
    case field_type::CPPTYPE_BOOL:
      if (!from.is_boolean()) return expected("true or false", from);
      adds ? change.AddBool(&to, &field, from.get<bool>()) : change.SetBool(&to, &field, from.get<bool>());
      return true;
    case field_type::CPPTYPE_ENUM:
      return enumeration(from, field, to, adds);
    case field_type::CPPTYPE_STRING:
      return text(from, field, to, adds);
    default:
      return fail("expected a message");
  }
}

bool json_fill::text(const json& from, const field_type& field, message_type& to, bool adds) {
  if (!from.is_string()) return expected("a text", from);
  std::string made = from.get<std::string>();
  if (field.type() == field_type::TYPE_BYTES) {
    // Both alphabets, with and without padding.
    for (char& each : made) each = each == '-' ? '+' : each == '_' ? '/' : each;
    while (made.ends_with('=')) made.pop_back();
    while (made.size() % 4 != 0) made += '=';
    const auto bytes = protocol::parse_base64(made);
    if (!bytes) return fail("expected bytes in base64");
    made.assign(bytes->begin(), bytes->end());
  } else if (protocol::find_bad_utf8(made) != made.size()) {
    return fail("the text is not UTF-8");
  }
  const pb::Reflection& change = *to.GetReflection();
  adds ? change.AddString(&to, &field, std::move(made)) : change.SetString(&to, &field, std::move(made));
  return true;
}

bool json_fill::enumeration(const json& from, const field_type& field, message_type& to, bool adds) {
  const pb::EnumDescriptor& type = *field.enum_type();
  int number = 0;
  const pb::EnumValueDescriptor* named =
      from.is_string() ? type.FindValueByName(from.get<std::string>()) : nullptr;
  if (from.is_null() && is_null_value(field)) named = type.FindValueByNumber(0);
  if (named != nullptr) {
    number = named->number();
  } else if (from.is_string()) {
    std::vector<std::string> known;
    for (int i = 0; i < type.value_count(); ++i) known.push_back(type.value(i)->name());
    const std::string hint = protocol::suggest_or_list(from.get<std::string>(), known);
    return fail(fmt::format("'{}' is no name of {}{}{}", from.get<std::string>(), type.full_name(),
                            hint.empty() ? "" : "; ", hint));
  } else {
    const auto read = json_integer<std::int32_t>(from);
    if (!read) return expected("a name or a number", from);
    const bool is_closed = type.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2;
    if (is_closed && type.FindValueByNumber(*read) == nullptr)
      return fail(fmt::format("{} is no value of {}", *read, type.full_name()));
    number = *read;
  }
  const pb::Reflection& change = *to.GetReflection();
  adds ? change.AddEnumValue(&to, &field, number) : change.SetEnumValue(&to, &field, number);
  return true;
}

bool json_fill::value(const json& from, message_type& to) {
  const pb::Descriptor& type = *to.GetDescriptor();
  const pb::Reflection& change = *to.GetReflection();
  const char* const name = from.is_null()      ? "null_value"
                           : from.is_boolean() ? "bool_value"
                           : from.is_number()  ? "number_value"
                           : from.is_string()  ? "string_value"
                           : from.is_array()   ? "list_value"
                                               : "struct_value";
  const field_type& field = *type.FindFieldByName(name);
  if (field.cpp_type() == field_type::CPPTYPE_MESSAGE)
    return message(from, *change.MutableMessage(&to, &field, &factory_));
  return scalar(from, field, to, false);
}

bool json_fill::any(const json& from, message_type& to) {
  if (!from.is_object()) return expected("a map", from);
  if (from.empty()) return true;
  const pb::Descriptor& type = *to.GetDescriptor();
  const pb::Reflection& change = *to.GetReflection();
  const auto url = from.find("@type");
  if (url == from.end() || !url->is_string()) return fail("expected the type of the message under '@type'");
  change.SetString(&to, type.FindFieldByNumber(1), url->get<std::string>());
  std::string bytes;
  if (const auto raw = from.find(unknown_any_key);
      raw != from.end() && from.size() == 2 && raw->is_string()) {
    const auto read = protocol::parse_hex(raw->get<std::string>());
    if (!read) return fail(fmt::format("expected hex digits under '{}'", unknown_any_key));
    bytes.assign(read->begin(), read->end());
  } else {
    const std::string name(type_of_url(url->get_ref<const std::string&>()));
    const pb::Descriptor* const held = files_.FindMessageTypeByName(name);
    if (held == nullptr) return fail(fmt::format("the files have no message '{}'", name));
    const std::unique_ptr<pb::Message> inner(factory_.GetPrototype(held)->New());
    const bool is_plain = kind_of(*held) == well_known::none;
    const auto value = from.find("value");
    if (!is_plain && (value == from.end() || from.size() != 2))
      return fail(fmt::format("expected the {} under 'value'", name));
    if (!(is_plain ? fields(from, *inner, true) : message(*value, *inner))) return false;
    if (!is_complete(*inner, options_.proto_names, error_)) return false;
    bytes = inner->SerializeAsString();
  }
  change.SetString(&to, type.FindFieldByNumber(2), std::move(bytes));
  return true;
}

}  // namespace duplexd
