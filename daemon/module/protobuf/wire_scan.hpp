#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

/// What a message may take when it is unpacked.
struct wire_limits {
  std::size_t elements = 0;  ///< parts of lists and maps, messages within it, fields that the schema lacks
  int nesting = 0;           ///< messages within messages
  bool proto_names = false;  ///< errors name fields as the .proto file does
};

/// Walks over a message's bytes without making anything of them: where they break off or are no message, and
/// whether they exceed a limit.
class wire_scan {
 public:
  explicit wire_scan(const wire_limits& limits) : limits_(limits) {}

  /// False: `error` says where.
  [[nodiscard]] bool run(protocol::bytes_view bytes, const google::protobuf::Descriptor& type,
                         protocol::codec_error& error);

 private:
  using bytes_view = protocol::bytes_view;
  using field_type = google::protobuf::FieldDescriptor;

  bool message(std::size_t end, const google::protobuf::Descriptor* type, std::uint32_t group);
  bool field(std::size_t end, std::uint32_t number, unsigned wire, const field_type* known);
  bool length_delimited(std::size_t end, const field_type* known);
  bool nested(std::size_t end, const google::protobuf::Descriptor* type, std::uint32_t group);
  bool packed(std::size_t end, const field_type& known);
  bool varint(std::size_t end, std::uint64_t& value);
  bool skip(std::size_t end, std::size_t count);
  bool count();
  bool fail(std::size_t at, std::string why);

  const wire_limits limits_;
  bytes_view bytes_;
  std::size_t at_ = 0;
  std::size_t elements_ = 0;
  int depth_ = 0;
  std::vector<std::string> path_;
  protocol::codec_error* error_ = nullptr;
};

}  // namespace duplexd
