#include "daemon/module/protobuf/proto_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace duplexd {

namespace pb = google::protobuf;
using pb::FieldDescriptor;
using protocol::value_shape;
using exact_type = value_shape::exact_type;

namespace {

/// Goes through messages and those within them; a schema may refer to itself in many ways.
class walk {
 public:
  explicit walk(const proto_options& options) : options_(options) {}

  value_shape message(const pb::Descriptor& type) {
    value_shape made;
    switch (kind_of(type)) {
      case well_known::timestamp:
        return scalar(value_shape::json_type::text, "1970-01-01T00:00:01Z");
      case well_known::duration:
        return scalar(value_shape::json_type::text, "1s");
      case well_known::field_mask:
        return scalar(value_shape::json_type::text, "path");
      case well_known::wrapper:
        return single(*type.FindFieldByNumber(1));
      case well_known::structure:
      case well_known::any:
        made.what = value_shape::kind::map;
        made.open = true;
        return made;
      case well_known::list_value:
        made.what = value_shape::kind::list;
        made.members.emplace_back("", value_shape{});
        return made;
      case well_known::value:
        return made;
      case well_known::none:
        break;
    }
    if (std::ranges::find(above_, &type) != above_.end() || ++messages_ > most_messages) return made;
    above_.push_back(&type);
    made.what = value_shape::kind::map;
    made.open = type.extension_range_count() > 0;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& each = *type.field(i);
      value_shape inner = field(each);
      inner.required = each.is_required();
      inner.steers = each.real_containing_oneof() != nullptr;
      made.members.emplace_back(json_key(each, options_.proto_names), std::move(inner));
    }
    above_.pop_back();
    return made;
  }

  void rows(const pb::Descriptor& type, std::size_t depth, std::string& out) {
    if (std::ranges::find(above_, &type) != above_.end() || kind_of(type) != well_known::none) return;
    if (++messages_ > most_messages) return;
    above_.push_back(&type);
    std::vector<const FieldDescriptor*> all;
    for (int i = 0; i < type.field_count(); ++i) all.push_back(type.field(i));
    std::ranges::sort(all, {}, &FieldDescriptor::number);
    for (const FieldDescriptor* each : all) {
      fmt::format_to(std::back_inserter(out), "{:>14}  {:{}}{}: {}", each->number(), "", 2 * depth,
                     json_key(*each, options_.proto_names), type_name(*each));
      if (const auto* group = each->real_containing_oneof(); group != nullptr)
        out += ", one of " + group->name();
      out += '\n';
      const pb::Descriptor* inner = each->message_type();
      if (each->is_map()) inner = each->message_type()->map_value()->message_type();
      if (inner != nullptr) rows(*inner, depth + 1, out);
    }
    above_.pop_back();
  }

 private:
  static constexpr std::size_t most_messages = 2'000;

  static value_shape scalar(value_shape::json_type json, nlohmann::ordered_json sample) {
    value_shape made;
    made.what = value_shape::kind::scalar;
    made.json = json;
    if (json == value_shape::json_type::text) made.exact = exact_type::text;
    made.sample = std::move(sample);
    return made;
  }

  static std::string type_name(const FieldDescriptor& of) {
    const auto plain = [](const FieldDescriptor& field) {
      if (field.message_type() != nullptr) return field.message_type()->full_name();
      return field.enum_type() != nullptr ? field.enum_type()->full_name() : std::string(field.type_name());
    };
    if (of.is_map())
      return fmt::format("map<{}, {}>", plain(*of.message_type()->map_key()),
                         plain(*of.message_type()->map_value()));
    return (of.is_repeated() ? "repeated " : of.is_required() ? "required " : "") + plain(of);
  }

  value_shape field(const FieldDescriptor& of) {
    value_shape made;
    if (of.is_map()) {
      made.what = value_shape::kind::map;
      made.open = true;
    } else if (of.is_repeated()) {
      made.what = value_shape::kind::list;
      made.members.emplace_back("", single(of));
    } else {
      made = single(of);
    }
    return made;
  }

  exact_type exact(const FieldDescriptor& of) const {
    switch (of.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_UINT32:
        return exact_type::integer;
      case FieldDescriptor::CPPTYPE_INT64:
        return options_.numbers ? exact_type::integer : exact_type::text;
      case FieldDescriptor::CPPTYPE_UINT64:
        return options_.numbers ? exact_type::any : exact_type::text;
      case FieldDescriptor::CPPTYPE_BOOL:
        return exact_type::boolean;
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return exact_type::real;
      case FieldDescriptor::CPPTYPE_STRING:
        return exact_type::text;
      default:
        return exact_type::any;
    }
  }

  value_shape single(const FieldDescriptor& of) {
    if (of.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return message(*of.message_type());
    value_shape made = sampled(of);
    made.exact = exact(of);
    return made;
  }

  value_shape sampled(const FieldDescriptor& of) {
    using json_type = value_shape::json_type;
    switch (of.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_UINT64:
        return options_.numbers ? scalar(json_type::number, 1) : scalar(json_type::text, "1");
      case FieldDescriptor::CPPTYPE_BOOL:
        return scalar(json_type::boolean, true);
      case FieldDescriptor::CPPTYPE_ENUM:
        return scalar(json_type::any,
                      of.enum_type()->value(std::min(of.enum_type()->value_count() - 1, 1))->name());
      case FieldDescriptor::CPPTYPE_STRING: {
        const bool is_bytes = of.type() == FieldDescriptor::TYPE_BYTES;
        value_shape made = scalar(json_type::text, is_bytes ? "AA==" : "text");
        if (is_bytes) made.bytes = value_shape::bytes_text::base64;
        return made;
      }
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_UINT32:
        return scalar(json_type::number, 1);
      default:
        return scalar(json_type::any, 1.5);  // "NaN" is a text
    }
  }

  const proto_options& options_;
  std::vector<const pb::Descriptor*> above_;
  std::size_t messages_ = 0;
};

}  // namespace

value_shape shape_of(const pb::Descriptor& type, const proto_options& options) {
  return walk(options).message(type);
}

std::string table_of(const pb::Descriptor& type, const proto_options& options) {
  std::string out = fmt::format("{:>14}  field of {}\n", "number", type.full_name());
  walk(options).rows(type, 0, out);
  return out;
}

}  // namespace duplexd
