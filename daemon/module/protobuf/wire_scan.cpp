#include "daemon/module/protobuf/wire_scan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace pb = google::protobuf;

namespace {

enum wire : unsigned {
  wire_varint = 0,
  wire_64 = 1,
  wire_length = 2,
  wire_start = 3,
  wire_end = 4,
  wire_32 = 5
};

unsigned wire_of(pb::FieldDescriptor::Type type) {
  switch (type) {
    case pb::FieldDescriptor::TYPE_DOUBLE:
    case pb::FieldDescriptor::TYPE_FIXED64:
    case pb::FieldDescriptor::TYPE_SFIXED64:
      return wire_64;
    case pb::FieldDescriptor::TYPE_FLOAT:
    case pb::FieldDescriptor::TYPE_FIXED32:
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return wire_32;
    case pb::FieldDescriptor::TYPE_STRING:
    case pb::FieldDescriptor::TYPE_BYTES:
    case pb::FieldDescriptor::TYPE_MESSAGE:
      return wire_length;
    case pb::FieldDescriptor::TYPE_GROUP:
      return wire_start;
    default:
      return wire_varint;
  }
}

// A field of another wire type is one that the schema does not know.
bool fits(const pb::FieldDescriptor& field, unsigned wire) {
  return wire == wire_of(field.type()) || (wire == wire_length && field.is_packable());
}

}  // namespace

bool wire_scan::run(bytes_view bytes, const pb::Descriptor& type, protocol::codec_error& error) {
  bytes_ = bytes;
  at_ = 0;
  elements_ = 0;
  depth_ = 0;
  path_.clear();
  error_ = &error;
  return message(bytes.size(), &type, 0);
}

bool wire_scan::fail(std::size_t at, std::string why) {
  *error_ = {fmt::format("{}", fmt::join(path_, ".")), at, std::move(why)};
  return false;
}

bool wire_scan::count() {
  if (++elements_ <= limits_.elements) return true;
  return fail(at_,
              fmt::format("more than {} parts of lists, maps and messages (limits.count)", limits_.elements));
}

bool wire_scan::varint(std::size_t end, std::uint64_t& value) {
  constexpr unsigned longest = 10;
  const std::size_t begin = at_;
  value = 0;
  for (unsigned i = 0; i < longest; ++i) {
    if (at_ == end) return fail(begin, "a number breaks off");
    const std::uint8_t byte = bytes_[at_++];
    value |= i == longest - 1 ? std::uint64_t{byte} << 63 : std::uint64_t{byte & 0x7fU} << (7 * i);
    if (byte < 0x80) return true;
  }
  return fail(begin, fmt::format("a number takes more than {} bytes", longest));
}

bool wire_scan::skip(std::size_t end, std::size_t count) {
  if (end - at_ < count) return fail(at_, fmt::format("expected {} bytes, found {}", count, end - at_));
  at_ += count;
  return true;
}

// Up to `end`, or to the end of the group of that number.
bool wire_scan::message(std::size_t end, const pb::Descriptor* type, std::uint32_t group) {
  while (at_ < end) {
    const std::size_t begin = at_;
    std::uint64_t tag = 0;
    if (!varint(end, tag)) return false;
    constexpr std::size_t longest_tag = 5;
    const auto number =
        static_cast<std::uint32_t>(tag >> 3 & 0x1fffffffU);  // libprotobuf drops the rest, too
    const auto wire = static_cast<unsigned>(tag & 7U);
    if (at_ - begin > longest_tag || number == 0) return fail(begin, "expected a field's number");
    if (wire == wire_end)
      return number == group || fail(begin, fmt::format("field {} ends a group that did not begin", number));
    if (wire > wire_32)
      return fail(begin, fmt::format("field {} has the unknown wire type {}", number, wire));
    const field_type* known = type == nullptr ? nullptr : type->FindFieldByNumber(static_cast<int>(number));
    if (known == nullptr && type != nullptr && type->IsExtensionNumber(static_cast<int>(number)))
      known = type->file()->pool()->FindExtensionByNumber(type, static_cast<int>(number));
    if (known != nullptr && !fits(*known, wire)) known = nullptr;
    if (known != nullptr) path_.push_back(limits_.proto_names ? known->name() : known->json_name());
    if (!field(end, number, wire, known)) return false;
    if (known != nullptr) path_.pop_back();
  }
  return group == 0 || fail(at_, fmt::format("the group of field {} does not end", group));
}

bool wire_scan::field(std::size_t end, std::uint32_t number, unsigned wire, const field_type* known) {
  const bool is_part =
      known == nullptr || known->is_repeated() || known->cpp_type() == field_type::CPPTYPE_MESSAGE;
  const bool counts_inside = known != nullptr && wire == wire_length && known->is_packable();
  if (is_part && !counts_inside && !count()) return false;
  std::uint64_t ignored = 0;
  switch (wire) {
    case wire_varint:
      return varint(end, ignored);
    case wire_64:
      return skip(end, 8);
    case wire_32:
      return skip(end, 4);
    case wire_start:
      return nested(end, known == nullptr ? nullptr : known->message_type(), number);
    default:
      return length_delimited(end, known);
  }
}

bool wire_scan::length_delimited(std::size_t end, const field_type* known) {
  std::uint64_t length = 0;
  const std::size_t begin = at_;
  if (!varint(end, length)) return false;
  constexpr std::size_t longest_length = 5;
  if (at_ - begin > longest_length)
    return fail(begin, fmt::format("a length takes more than {} bytes", longest_length));
  if (length > end - at_) return fail(begin, fmt::format("expected {} bytes, found {}", length, end - at_));
  const std::size_t inner = at_ + static_cast<std::size_t>(length);
  if (known != nullptr && known->cpp_type() == field_type::CPPTYPE_MESSAGE)
    return nested(inner, known->message_type(), 0);
  if (known != nullptr && known->is_packable()) return packed(inner, *known);
  if (known != nullptr && known->type() == field_type::TYPE_STRING) {
    const bytes_view text = bytes_.subspan(at_, inner - at_);
    const std::size_t bad =
        protocol::find_bad_utf8({reinterpret_cast<const char*>(text.data()), text.size()});
    if (bad != text.size()) return fail(at_ + bad, "the text is not UTF-8");
  }
  at_ = inner;
  return true;
}

bool wire_scan::nested(std::size_t end, const pb::Descriptor* type, std::uint32_t group) {
  if (depth_ == limits_.nesting)
    return fail(at_, fmt::format("messages are nested deeper than {} levels", limits_.nesting));
  ++depth_;
  const bool good = message(end, type, group);
  --depth_;
  return good;
}

bool wire_scan::packed(std::size_t end, const field_type& known) {
  const unsigned wire = wire_of(known.type());
  std::uint64_t ignored = 0;
  while (at_ < end) {
    if (!count()) return false;
    const bool good = wire == wire_varint ? varint(end, ignored) : skip(end, wire == wire_64 ? 8 : 4);
    if (!good) return false;
  }
  return true;
}

}  // namespace duplexd
