#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace duplexd {

/// How messages become JSON, and what that may take.
struct proto_options {
  bool numbers = false;      ///< 64-bit integers are numbers, not texts
  bool proto_names = false;  ///< fields have the names of the .proto file, not those in lowerCamelCase
  bool defaults = false;     ///< fields that are not there have their defaults
  std::size_t elements = 0;  ///< see wire_limits
  std::size_t depth = 0;     ///< levels of lists and maps
  std::size_t json = 0;      ///< bytes of the JSON text
};

/// Messages that have a JSON form of their own.
enum class well_known : std::uint8_t {
  none,
  any,
  timestamp,
  duration,
  field_mask,
  structure,
  value,
  list_value,
  wrapper,
};

[[nodiscard]] well_known kind_of(const google::protobuf::Descriptor& type);

/// The name of a field in JSON.
[[nodiscard]] inline std::string json_key(const google::protobuf::FieldDescriptor& field, bool proto_names) {
  if (field.is_extension()) return "[" + field.full_name() + "]";
  return proto_names ? field.name() : field.json_name();
}

/// "google.protobuf.Timestamp" of "type.googleapis.com/google.protobuf.Timestamp"
[[nodiscard]] std::string_view type_of_url(std::string_view url) noexcept;

/// In an Any of a type that the files do not have: its bytes.
inline constexpr const char* unknown_any_key = "$bytes";

}  // namespace duplexd
