#include "daemon/module/protobuf/json_print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "daemon/module/protobuf/parse_message.hpp"
#include "daemon/module/protobuf/well_known.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

/// One message on its way to JSON.
class json_printing {
 public:
  json_printing(const json_print& with, std::string& out, protocol::codec_error& error)
      : with_(with), options_(with.options_), out_(out), begin_(out.size()), error_(error) {}

  bool message(const pb::Message& from) {
    const auto known = with_.forms_.find(from.GetDescriptor());
    if (known != with_.forms_.end()) return message(from, known->second);
    return message(from, with_.make(*from.GetDescriptor()));  // within an Any
  }

 private:
  bool message(const pb::Message& from, const json_print::message_form& form) {
    const pb::Reflection& look = *from.GetReflection();
    switch (form.kind) {
      case well_known::none: {
        if (!open('{')) return false;
        return fields(from, form) && close('}');
      }
      case well_known::any:
        return any(from);
      case well_known::structure:
        return map(from, *form.fields.front().field);
      case well_known::value: {
        const FieldDescriptor* set =
            look.GetOneofFieldDescriptor(from, form.fields.front().field->containing_oneof());
        if (set != nullptr) return single(from, *set);
        out_ += "null";
        return true;
      }
      case well_known::list_value:
        return list(from, *form.fields.front().field);
      case well_known::wrapper:
        return single(from, *form.fields.front().field);
      default: {
        std::string text;
        if (!text_of(from, form.kind, text)) return fail(std::move(text));
        protocol::append_quoted(out_, text);
        return true;
      }
    }
  }

  bool fields(const pb::Message& from, const json_print::message_form& form) {
    const pb::Reflection& look = *from.GetReflection();
    for (const auto& [field, key] : form.fields) {
      const bool is_there =
          field->is_repeated() ? look.FieldSize(from, field) > 0 : look.HasField(from, field);
      if (!is_there && !(options_.defaults && (field->is_repeated() || !field->has_presence()))) continue;
      if (!named(from, *field, key)) return false;
    }
    if (from.GetDescriptor()->extension_range_count() == 0) return true;
    std::vector<const FieldDescriptor*> all;
    look.ListFields(from, &all);
    for (const FieldDescriptor* each : all) {
      if (!each->is_extension()) continue;
      std::string key;
      protocol::append_quoted(key, json_key(*each, options_.proto_names));
      if (!named(from, *each, key + ":")) return false;
    }
    return true;
  }

  bool named(const pb::Message& from, const FieldDescriptor& field, const std::string& key) {
    if (out_.back() != '{') out_ += ',';
    out_ += key;
    const std::size_t before = path_.size();
    if (!path_.empty()) path_ += '.';
    path_.append(key, 1, key.size() - 3);  // without its quotes and colon
    const bool good = field.is_map()        ? map(from, field)
                      : field.is_repeated() ? list(from, field)
                                            : single(from, field);
    if (good) path_.resize(before);
    return good;
  }

  bool list(const pb::Message& from, const FieldDescriptor& field) {
    const pb::Reflection& look = *from.GetReflection();
    if (!open('[')) return false;
    const std::size_t before = path_.size();
    const int size = look.FieldSize(from, &field);
    for (int i = 0; i < size; ++i) {
      if (i > 0) out_ += ',';
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        fmt::format_to(std::back_inserter(path_), "[{}]", i);
      if (!element(from, field, i) || !has_room()) return false;
      path_.resize(before);
    }
    return close(']');
  }

  // The last entry of a key counts.
  bool map(const pb::Message& from, const FieldDescriptor& field) {
    const pb::Reflection& look = *from.GetReflection();
    const FieldDescriptor& key = *field.message_type()->map_key();
    const FieldDescriptor& value = *field.message_type()->map_value();
    if (!open('{')) return false;
    std::map<std::string, const pb::Message*> entries;
    const int size = look.FieldSize(from, &field);
    for (int i = 0; i < size; ++i) {
      const pb::Message& entry = look.GetRepeatedMessage(from, &field, i);
      std::string name;
      if (!key_text(entry, key, name)) return false;
      entries[std::move(name)] = &entry;
    }
    const std::size_t before = path_.size();
    for (const auto& [name, entry] : entries) {
      if (out_.back() != '{') out_ += ',';
      protocol::append_quoted(out_, name);
      out_ += ':';
      path_ += path_.empty() ? name : "." + name;
      if (!single(*entry, value) || !has_room()) return false;
      path_.resize(before);
    }
    return close('}');
  }

  bool key_text(const pb::Message& entry, const FieldDescriptor& key, std::string& to) {
    const pb::Reflection& look = *entry.GetReflection();
    switch (key.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        to = look.GetString(entry, &key);
        return protocol::find_bad_utf8(to) == to.size() || fail("a key is not UTF-8");
      case FieldDescriptor::CPPTYPE_BOOL:
        to = look.GetBool(entry, &key) ? "true" : "false";
        return true;
      case FieldDescriptor::CPPTYPE_INT32:
        to = std::to_string(look.GetInt32(entry, &key));
        return true;
      case FieldDescriptor::CPPTYPE_INT64:
        to = std::to_string(look.GetInt64(entry, &key));
        return true;
      case FieldDescriptor::CPPTYPE_UINT32:
        to = std::to_string(look.GetUInt32(entry, &key));
        return true;
      default:
        to = std::to_string(look.GetUInt64(entry, &key));
        return true;
    }
  }

  bool single(const pb::Message& from, const FieldDescriptor& field) {
    const pb::Reflection& look = *from.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return integer(look.GetInt32(from, &field));
      case FieldDescriptor::CPPTYPE_INT64:
        return wide(look.GetInt64(from, &field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return integer(look.GetUInt32(from, &field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return wide(look.GetUInt64(from, &field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return real(look.GetDouble(from, &field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return real(look.GetFloat(from, &field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return boolean(look.GetBool(from, &field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return enumeration(field, look.GetEnumValue(from, &field));
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return text(field, look.GetStringReference(from, &field, &scratch));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(look.GetMessage(from, &field, &with_.factory_));
    }
    return false;
  }

  bool element(const pb::Message& from, const FieldDescriptor& field, int i) {
    const pb::Reflection& look = *from.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return integer(look.GetRepeatedInt32(from, &field, i));
      case FieldDescriptor::CPPTYPE_INT64:
        return wide(look.GetRepeatedInt64(from, &field, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return integer(look.GetRepeatedUInt32(from, &field, i));
      case FieldDescriptor::CPPTYPE_UINT64:
        return wide(look.GetRepeatedUInt64(from, &field, i));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return real(look.GetRepeatedDouble(from, &field, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return real(look.GetRepeatedFloat(from, &field, i));
      case FieldDescriptor::CPPTYPE_BOOL:
        return boolean(look.GetRepeatedBool(from, &field, i));
      case FieldDescriptor::CPPTYPE_ENUM:
        return enumeration(field, look.GetRepeatedEnumValue(from, &field, i));
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return text(field, look.GetRepeatedStringReference(from, &field, i, &scratch));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return message(look.GetRepeatedMessage(from, &field, i));
    }
    return false;
  }

  bool any(const pb::Message& from) {
    const pb::Descriptor& type = *from.GetDescriptor();
    const pb::Reflection& look = *from.GetReflection();
    const std::string url = look.GetString(from, type.FindFieldByNumber(1));
    const std::string bytes = look.GetString(from, type.FindFieldByNumber(2));
    if (protocol::find_bad_utf8(url) != url.size()) return fail("the type's URL is not UTF-8");
    if (!open('{')) return false;
    if (url.empty() && bytes.empty()) return close('}');
    out_ += R"("@type":)";
    protocol::append_quoted(out_, url);
    const pb::Descriptor* const held = with_.files_.FindMessageTypeByName(std::string(type_of_url(url)));
    if (held == nullptr) {
      out_ += fmt::format(R"(,"{}":")", unknown_any_key);
      protocol::append_hex(out_, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      out_ += '"';
      return close('}');
    }
    held_ += bytes.size();
    if (held_ > options_.json)
      return fail(fmt::format("messages within Any take more than {} bytes (limits.inflate)", options_.json));
    const std::unique_ptr<pb::Message> inner(with_.factory_.GetPrototype(held)->New());
    const auto* const first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (!parse_message({first, bytes.size()}, wire_limits_of(options_), *inner, error_))
      return fail(error_.message);
    const json_print::message_form form = with_.make(*held);
    if (form.kind == well_known::none) return fields(*inner, form) && close('}');
    out_ += R"(,"value":)";
    return message(*inner, form) && close('}');
  }

  bool integer(std::int64_t value) {
    protocol::append_integer(out_, value);
    return true;
  }
  template <class T>
  bool wide(T value) {
    if (!options_.numbers) out_ += '"';
    if constexpr (std::is_signed_v<T>)
      protocol::append_integer(out_, value);
    else
      protocol::append_natural(out_, value);
    if (!options_.numbers) out_ += '"';
    return true;
  }
  bool boolean(bool value) {
    out_ += value ? "true" : "false";
    return true;
  }
  template <class T>
  bool real(T value) {
    if (std::isnan(value)) {
      out_ += R"("NaN")";
    } else if (std::isinf(value)) {
      out_ += value > 0 ? R"("Infinity")" : R"("-Infinity")";
    } else if constexpr (std::is_same_v<T, double>) {
      protocol::append_real(out_, value);
    } else {
      std::array<char, 64> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
      const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
      out_ += text;
      if (text.find_first_of(".e") == std::string_view::npos) out_ += ".0";
    }
    return true;
  }
  bool enumeration(const FieldDescriptor& field, int number) {
    if (field.enum_type()->full_name() == "google.protobuf.NullValue") {
      out_ += "null";
      return true;
    }
    const pb::EnumValueDescriptor* const known = field.enum_type()->FindValueByNumber(number);
    if (known == nullptr) return integer(number);
    protocol::append_quoted(out_, known->name());
    return true;
  }
  bool text(const FieldDescriptor& field, const std::string& value) {
    if (field.type() == FieldDescriptor::TYPE_BYTES) {
      out_ += '"';
      protocol::append_base64(out_, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
      out_ += '"';
      return true;
    }
    if (protocol::find_bad_utf8(value) != value.size()) return fail("the text is not UTF-8");
    protocol::append_quoted(out_, value);
    return true;
  }

  bool open(char bracket) {
    out_ += bracket;
    if (++depth_ <= options_.depth) return has_room();
    return fail(fmt::format("its JSON is nested deeper than {} levels (limits.json_depth)", options_.depth));
  }
  bool close(char bracket) {
    --depth_;
    out_ += bracket;
    return has_room();
  }
  bool has_room() {
    if (out_.size() - begin_ <= options_.json) return true;
    return fail(fmt::format("its JSON takes more than {} bytes (limits.inflate)", options_.json));
  }
  bool fail(std::string why) {
    error_ = {path_, 0, std::move(why)};
    return false;
  }

  const json_print& with_;
  const proto_options& options_;
  std::string& out_;
  const std::size_t begin_;
  protocol::codec_error& error_;
  std::string path_;
  std::size_t depth_ = 0;
  std::size_t held_ = 0;  ///< bytes within Any
};

json_print::json_print(const pb::DescriptorPool& files, pb::DynamicMessageFactory& factory,
                       const pb::Descriptor& top, const proto_options& options)
    : files_(files), factory_(factory), options_(options) {
  add(top);
}

const json_print::message_form& json_print::add(const pb::Descriptor& type) {
  const auto known = forms_.find(&type);
  if (known != forms_.end()) return known->second;
  const message_form& made = forms_.emplace(&type, make(type)).first->second;
  for (int i = 0; i < type.field_count(); ++i)
    if (type.field(i)->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) add(*type.field(i)->message_type());
  return made;
}

json_print::message_form json_print::make(const pb::Descriptor& type) const {
  message_form made{duplexd::kind_of(type), {}};
  for (int i = 0; i < type.field_count(); ++i) {
    field_form form{type.field(i), {}};
    protocol::append_quoted(form.key, json_key(*form.field, options_.proto_names));
    form.key += ':';
    made.fields.push_back(std::move(form));
  }
  std::ranges::sort(made.fields, {}, [](const field_form& each) { return each.field->number(); });
  return made;
}

bool json_print::run(const pb::Message& message, std::string& json, protocol::codec_error& error) const {
  return json_printing(*this, json, error).message(message);
}

}  // namespace duplexd
