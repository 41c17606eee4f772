#include "protocol/codec/checksum.hpp"

#include <array>

namespace duplexd::protocol {
namespace {

struct parameters {
  std::string_view name;
  unsigned bits;
  std::uint32_t polynomial;  // reversed where `reflected`
  std::uint32_t initial;
  std::uint32_t final_xor;
  bool reflected;
};

// In the order of checksum_kind.
constexpr std::array<parameters, 8> crcs{{
    {"crc32", 32, 0xedb88320, 0xffffffff, 0xffffffff, true},
    {"crc32c", 32, 0x82f63b78, 0xffffffff, 0xffffffff, true},
    {"arc", 16, 0xa001, 0, 0, true},
    {"modbus", 16, 0xa001, 0xffff, 0, true},
    {"x25", 16, 0x8408, 0xffff, 0xffff, true},
    {"ccitt_false", 16, 0x1021, 0xffff, 0, false},
    {"xmodem", 16, 0x1021, 0, 0, false},
    {"kermit", 16, 0x8408, 0, 0, true},
}};

using table = std::array<std::uint32_t, 256>;

constexpr table make_table(const parameters& p) {
  table out{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = p.reflected ? byte : byte << (p.bits - 8);
    for (int bit = 0; bit < 8; ++bit) {
      if (p.reflected)
        value = (value & 1u) != 0 ? (value >> 1) ^ p.polynomial : value >> 1;
      else
        value = (value >> (p.bits - 1)) & 1u ? (value << 1) ^ p.polynomial : value << 1;
    }
    out[byte] = p.bits == 32 ? value : value & 0xffffu;
  }
  return out;
}

constexpr std::array<table, crcs.size()> make_tables() {
  std::array<table, crcs.size()> out{};
  for (std::size_t i = 0; i < crcs.size(); ++i) out[i] = make_table(crcs[i]);
  return out;
}
constexpr std::array<table, crcs.size()> tables = make_tables();

}  // namespace

std::uint32_t checksum(checksum_kind kind, bytes_view bytes, std::optional<std::uint8_t> extra) {
  const auto index = static_cast<std::size_t>(kind);
  if (index >= crcs.size()) {
    std::uint32_t value = 0;
    const auto fold = [&](std::uint8_t byte) {
      value = kind == checksum_kind::sum8 ? (value + byte) & 0xffu : value ^ byte;
    };
    for (const std::uint8_t byte : bytes) fold(byte);
    if (extra) fold(*extra);
    return value;
  }
  const parameters& p = crcs[index];
  std::uint32_t value = p.initial;
  const auto fold = [&](std::uint8_t byte) {
    if (p.reflected)
      value = (value >> 8) ^ tables[index][(value ^ byte) & 0xffu];
    else
      value = ((value << 8) ^ tables[index][((value >> (p.bits - 8)) ^ byte) & 0xffu]) & 0xffffu;
  };
  for (const std::uint8_t byte : bytes) fold(byte);
  if (extra) fold(*extra);
  return value ^ p.final_xor;
}

std::optional<checksum_kind> checksum_from(std::string_view name) {
  const auto& names = checksum_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<checksum_kind>(i);
  return std::nullopt;
}

unsigned checksum_width(checksum_kind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index < crcs.size() ? crcs[index].bits / 8 : 1;
}

const std::vector<std::string>& checksum_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const parameters& p : crcs) out.emplace_back(p.name);
    out.emplace_back("sum8");
    out.emplace_back("xor8");
    return out;
  }();
  return names;
}

}  // namespace duplexd::protocol
