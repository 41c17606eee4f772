#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// What an event becomes in an output (docs/outputs.md).
enum class record_form : std::uint8_t {
  json,     ///< the whole event, a line
  ndjson,   ///< a reply's values alone, a line
  csv,      ///< columns, a line
  msgpack,  ///< the whole event
  raw       ///< the packet's bytes
};

struct record_settings {
  record_form form = record_form::json;
  std::vector<std::string> columns{};  ///< of csv: time, session, event, reply, or the path of a value
};

/// Which events of a session an output gets.
struct output_route {
  std::string to;
  std::vector<std::string> replies{};      ///< these only; empty: all events
  nlohmann::ordered_json where = nullptr;  ///< conditions on a reply's values, see config::matches
  record_settings record{};
};

enum class output_type : std::uint8_t { standard_output, file, sqlite };

/// What happens when an output's queue is full.
enum class overflow_policy : std::uint8_t { block, drop_oldest, drop_newest };

enum class file_compression : std::uint8_t { none, gzip, zstd };

/// When a file is ended and another begun; 0: never.
struct file_rotation {
  std::uint64_t size = 0;
  std::chrono::milliseconds age{0};
};

/// What is kept of what was written; 0: no limit.
struct retention {
  std::uint16_t files = 0;
  std::uint64_t size = 0;
  std::chrono::milliseconds age{0};
};

/// The output that needs no definition.
inline constexpr std::string_view standard_output_name = "stdout";

struct output_settings {
  std::string name;
  output_type type = output_type::standard_output;
  record_settings record{};
  std::uint64_t queue = 16u << 20;  ///< bytes
  overflow_policy overflow = overflow_policy::block;
  std::string path{};  ///< absolute; of files with the placeholders of docs/outputs.md
  file_rotation rotate{};
  retention keep{};
  file_compression compress = file_compression::none;
  bool sync = false;                                          ///< each batch reaches the disk before the next
  std::map<std::string, std::vector<std::string>> indexes{};  ///< by table: columns
};

}  // namespace duplexd::config
