#include "daemon/cli/decode.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/codec_source.hpp"
#include "daemon/cli/message_printer.hpp"
#include "protocol/codec/struct_format.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;
using protocol::direction;
using protocol::frame_kind;

struct options {
  codec_source source;
  std::string format;  ///< of Python's struct
  std::vector<std::string> hex;
  bool raw = false;
  bool jsonl = false;
  bool text = false;
  bool command = false;
  bool explain = false;
};

std::optional<std::vector<std::uint8_t>> bytes_of_hex(std::string digits) {
  std::erase_if(digits, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == ':'; });
  auto bytes = protocol::parse_hex(digits);
  if (!bytes) std::fprintf(stderr, "not hex digits: %s\n", protocol::one_line(digits).c_str());
  return bytes;
}

// {"hex": "…", "frame": "text", "direction": "command"}, or {"text": "…"}, or a raw event with "bytes".
std::optional<message> from_json_line(const std::string& line, message standard) {
  const ordered_json row = protocol::parse_json(line).value_or(ordered_json());
  const auto text_at = [&](const char* key) -> std::optional<std::string> {
    if (!row.is_object() || !row.contains(key) || !row[key].is_string()) return std::nullopt;
    return row[key].get<std::string>();
  };
  if (const auto way = text_at("direction"); way && *way != "both")
    standard.way = *way == "command" ? direction::command : direction::reply;
  if (const auto frame = text_at("frame"))
    standard.kind = *frame == "text" ? frame_kind::text : frame_kind::binary;
  const auto hex = text_at("hex") ? text_at("hex") : text_at("bytes");
  if (hex) {
    auto bytes = bytes_of_hex(*hex);
    if (!bytes) return std::nullopt;
    standard.bytes = std::move(*bytes);
    return standard;
  }
  if (const auto text = text_at("text")) {
    standard.kind = frame_kind::text;
    standard.bytes.assign(text->begin(), text->end());
    return standard;
  }
  std::fprintf(stderr, "no message in this line (expected \"hex\" or \"text\"): %s\n",
               protocol::one_line(line).c_str());
  return std::nullopt;
}

// Feeds every message of the input to `take`, a capture's lines to `take_capture`; false if there was a
// message that cannot be read.
template <class Take, class TakeCapture>
bool each_message(const options& given, Take take, TakeCapture take_capture) {
  message standard;
  standard.way = given.command ? direction::command : direction::reply;
  standard.kind = given.text ? frame_kind::text : frame_kind::binary;
  bool ok = true;
  const auto hex = [&](const std::string& digits) {
    auto bytes = bytes_of_hex(digits);
    ok = ok && bytes.has_value();
    if (!bytes) return;
    standard.bytes = std::move(*bytes);
    take(standard);
  };
  if (!given.hex.empty()) {
    for (const std::string& digits : given.hex) hex(digits);
    return ok;
  }
  if (given.raw) {
    const std::string all{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    standard.bytes.assign(all.begin(), all.end());
    take(standard);
    return true;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    if (given.jsonl && capture_printer::is_capture_line(line)) {
      take_capture(line);
    } else if (given.jsonl) {
      const auto read = from_json_line(line, standard);
      ok = ok && read.has_value();
      if (read) take(*read);
    } else if (given.text) {
      standard.bytes.assign(line.begin(), line.end());
      take(standard);
    } else {
      hex(line);
    }
  }
  return ok;
}

int decode_struct(const options& given) {
  std::string error;
  const auto format = protocol::struct_format::parse(given.format, error);
  if (!format) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return exit_usage;
  }
  bool fits = true;
  const auto unpack = [&](const message& from) {
    std::vector<protocol::struct_value> values;
    if (format->unpack(from.bytes, values, error)) {
      std::printf("%s\n", protocol::to_json_text(values).c_str());
    } else {
      std::fprintf(stderr, "%s\n", error.c_str());
      fits = false;
    }
  };
  const auto no_capture = [&](const std::string&) {
    std::fputs("a capture needs the layouts of its sessions: -c FILE\n", stderr);
    fits = false;
  };
  const bool read = each_message(given, unpack, no_capture);
  return read && fits ? exit_success : exit_data;
}

int decode(const options& given) {
  if (!given.format.empty()) return decode_struct(given);
  int exit_code = exit_success;
  // Only a capture's lines say whose they are.
  capture_printer::codecs types;
  if (given.jsonl)
    types = open_codecs(given.source, exit_code);
  else if (auto one = open_codec(given.source, exit_code))
    types.emplace(given.source.session, std::move(one));
  if (types.empty()) return exit_code;
  capture_printer all(types, given.source.session, given.explain);
  bool told = true;
  const auto one = [&](const message& from) {
    message_printer* to = all.only();
    if (to == nullptr) std::fputs("choose a session with --session\n", stderr);
    if (to == nullptr) told = false;
    if (to != nullptr) to->print(from);
  };
  const auto captured = [&](const std::string& line) { all.print(line); };
  const bool read = each_message(given, one, captured);
  if (!told) return exit_usage;
  return read && !all.failed() ? exit_success : exit_data;
}

}  // namespace

void add_decode(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand("decode", "Unpack messages and print their values");
  add_codec_source(*command, given->source);
  command->add_option("--struct", given->format,
                      "A format string of Python's struct module instead of a layout");
  auto* hex = command
                  ->add_option("--hex", given->hex,
                               "Hex digits, one message per argument; without arguments, one message per "
                               "line of stdin (default)")
                  ->expected(0, -1);
  auto* raw =
      command->add_flag("--raw", given->raw, "Read a single message of raw bytes from stdin")->excludes(hex);
  command
      ->add_flag(
          "--jsonl", given->jsonl,
          R"(Read lines such as {"hex": "0200", "frame": "binary", "direction": "reply"} from stdin, or a )"
          "capture made with run --record")
      ->excludes(hex)
      ->excludes(raw);
  command->add_flag("--text", given->text, "Messages are text frames; without --raw, one per line of stdin");
  command->add_flag("--command", given->command, "Messages are commands, as received by the server");
  command->add_flag("--explain", given->explain, "Print each field with its offset, bytes and value");
  command->callback([given, &exit_code] { exit_code = decode(*given); });
}

}  // namespace duplexd::cli
