#include "protocol/codec/framing.hpp"

#include <fmt/format.h>

#include <cstring>

namespace duplexd::protocol {
namespace {

// The length as it stands on the wire. False if there are too few bytes, or `error` is set.
bool read_length(const framing_rule& rule, bytes_view bytes, std::uint64_t& value, std::size_t& width,
                 std::string& error) {
  if (!is_variable(rule.type)) {
    width = width_of(rule.type);
    if (bytes.size() < rule.at + width) return false;
    value = load(bytes.data() + rule.at, static_cast<unsigned>(width), rule.big);
    return true;
  }
  value = 0;
  for (width = 0; width < rule.limit;) {
    if (rule.at + width >= bytes.size()) return false;
    const std::uint8_t byte = bytes[rule.at + width];
    if (width == 9 && byte > 1) {
      error = "the packet's length is a varint of more than 64 bits";
      return false;
    }
    value |= std::uint64_t{byte & 0x7fu} << (7 * width);
    ++width;
    if ((byte & 0x80u) == 0) return true;
  }
  error = fmt::format("the packet's length is a varint of more than {} bytes", rule.limit);
  return false;
}

bytes_view as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Where `part` stands first, from `at` on; the size: nowhere.
std::size_t find_bytes(bytes_view in, bytes_view part, std::size_t at) {
  if (at >= in.size()) return in.size();
  const void* found = ::memmem(in.data() + at, in.size() - at, part.data(), part.size());
  return found == nullptr ? in.size()
                          : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - in.data());
}

cut cut_at_delimiter(const framing_rule& rule, bytes_view bytes, std::size_t known) {
  const bytes_view delimiter = as_bytes(rule.delimiter);
  const std::size_t begin = known >= delimiter.size() ? known - (delimiter.size() - 1) : 0;
  const std::size_t at = find_bytes(bytes, delimiter, begin);
  if (at == bytes.size()) return {};
  const bool returns = rule.lines && at > 0 && bytes[at - 1] == '\r';
  return {at + delimiter.size(), delimiter.size() + (returns ? 1 : 0)};
}

}  // namespace

cut cut_packet(const framing_rule& rule, bytes_view bytes, std::size_t known) {
  if (!rule.delimiter.empty()) return cut_at_delimiter(rule, bytes, known);
  cut out;
  std::uint64_t value = 0;
  std::size_t width = 0;
  if (!read_length(rule, bytes, value, width, out.error)) return out;
  constexpr std::uint64_t sane = std::uint64_t{1} << 40;
  const std::size_t header = rule.at + width;
  const std::int64_t total = static_cast<std::int64_t>(value < sane ? value : sane) + rule.add +
                             (rule.counts_all ? 0 : static_cast<std::int64_t>(header));
  if (total < static_cast<std::int64_t>(header))
    out.error = fmt::format("the packet's length says {}, less than its own header", value);
  else
    out.size = static_cast<std::size_t>(total);
  return out;
}

std::size_t length_width(const framing_rule& rule, bytes_view packet) {
  std::uint64_t value = 0;
  std::size_t width = 0;
  std::string error;
  return read_length(rule, packet, value, width, error) ? rule.at + width : 0;
}

void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80u));
  out.push_back(static_cast<std::uint8_t>(value));
}

namespace {

bool add_length(const framing_rule& rule, std::vector<std::uint8_t>& out, std::size_t begin) {
  const std::size_t body = out.size() - begin;
  std::vector<std::uint8_t> length;
  const auto put = [&](std::int64_t value) {
    length.clear();
    if (value < 0) return false;
    const auto natural = static_cast<std::uint64_t>(value);
    if (is_variable(rule.type)) {
      append_varint(length, natural);
      return length.size() <= rule.limit;
    }
    const unsigned width = width_of(rule.type);
    if (width < 8 && natural >> (8 * width) != 0) return false;
    length.resize(width);
    store(length.data(), natural, width, rule.big);
    return true;
  };
  // A varint that counts itself may grow by being counted; the third round settles it.
  std::size_t width = is_variable(rule.type) ? 1 : width_of(rule.type);
  for (int round = 0; round < 3; ++round) {
    if (!put(static_cast<std::int64_t>(body + (rule.counts_all ? width : 0)) - rule.add)) return false;
    if (length.size() == width) break;
    width = length.size();
  }
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(begin), length.begin(), length.end());
  return true;
}

}  // namespace

const char* close_packet(const framing_rule& rule, std::vector<std::uint8_t>& out, std::size_t begin) {
  if (rule.delimiter.empty())
    return !rule.strip || add_length(rule, out, begin) ? nullptr
                                                       : "the packet is too long for its length field";
  const std::size_t size = out.size() - begin;
  out.insert(out.end(), rule.delimiter.begin(), rule.delimiter.end());
  const cut found = cut_packet(rule, bytes_view(out).subspan(begin));
  if (found.size - found.trailer == size) return nullptr;
  out.resize(begin + size);
  return found.size == size + rule.delimiter.size() ? "a line cannot end in a carriage return"
                                                    : "the packet holds the framing's delimiter";
}

}  // namespace duplexd::protocol
