#include "daemon/module/protobuf/parse_message.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace duplexd {

namespace pb = google::protobuf;

namespace {

/// "order.legs[2].price", by the names that JSON has for the fields.
std::string in_json(const pb::Descriptor* type, std::string_view path) {
  std::string made;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('.'));
    const std::string_view name = part.substr(0, part.find('['));
    const pb::FieldDescriptor* const field =
        type == nullptr ? nullptr : type->FindFieldByName(std::string(name));
    made += made.empty() ? "" : ".";
    made += field == nullptr ? name : std::string_view(field->json_name());
    made += part.substr(name.size());
    type = field == nullptr ? nullptr : field->message_type();
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return made;
}

}  // namespace

wire_limits wire_limits_of(const proto_options& options) noexcept {
  // A level of Struct's JSON takes up to four messages.
  constexpr std::size_t messages_for_level = 4;
  return {options.elements, static_cast<int>(messages_for_level * options.depth), options.proto_names};
}

bool parse_message(protocol::bytes_view bytes, const wire_limits& limits, pb::Message& to,
                   protocol::codec_error& error) {
  const pb::Descriptor& type = *to.GetDescriptor();
  const auto scan = [&] { return wire_scan(limits).run(bytes, type, error); };
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    error = {"", 0, "a message has at most 2147483647 bytes"};
    return false;
  }
  // Each part takes a byte at least, so that most messages need not be counted.
  if (bytes.size() > limits.elements && !scan()) return false;
  pb::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(limits.nesting);
  if (to.ParsePartialFromCodedStream(&stream) && stream.ConsumedEntireMessage())
    return is_complete(to, limits.proto_names, error);
  if (scan()) error = {"", 0, fmt::format("the bytes are no {}", type.full_name())};
  return false;
}

bool is_complete(const pb::Message& message, bool proto_names, protocol::codec_error& error) {
  if (message.IsInitialized()) return true;
  std::vector<std::string> missing;
  message.FindInitializationErrors(&missing);
  const std::string path = missing.empty() ? "" : missing.front();
  error = {proto_names ? path : in_json(message.GetDescriptor(), path), 0,
           "the field is required, and missing"};
  return false;
}

}  // namespace duplexd
