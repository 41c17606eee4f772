#include "daemon/cli/encode.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/codec_source.hpp"
#include "daemon/cli/typed_values.hpp"
#include "protocol/codec/struct_format.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;

struct options {
  codec_source source;
  std::string format;  ///< of Python's struct
  std::vector<std::string> words;
  std::string json;
  bool has_json = false;
  bool size = false;  ///< only say how many bytes the format packs
  bool reply = false;
  bool raw = false;
};

int complain(int code, const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return code;
}

void print(const std::vector<std::uint8_t>& bytes, bool raw) {
  if (raw) {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    return;
  }
  std::string digits;
  protocol::append_hex(digits, bytes);
  std::printf("%s\n", digits.c_str());
}

int encode_struct(const options& given) {
  std::string error;
  const auto format = protocol::struct_format::parse(given.format, error);
  if (!format) return complain(exit_usage, error);
  if (given.size) {
    std::printf("%zu\n", format->size());
    return exit_success;
  }
  const auto list = given.has_json ? value_of_json(given.json, error) : values_of(given.words, error);
  if (!list && given.has_json) return complain(exit_usage, "--json: " + error);
  if (!list || (!list->is_array() && !list->is_null()))
    return complain(exit_usage, "expected a JSON list of values");
  std::vector<protocol::struct_value> values;
  for (const ordered_json& item : *list) {
    const auto value = protocol::struct_value_from(item);
    if (!value) return complain(exit_usage, "not a supported value: " + item.dump());
    values.push_back(*value);
  }
  std::vector<std::uint8_t> bytes;
  if (!format->pack(values, bytes, error)) return complain(exit_data, error);
  print(bytes, given.raw);
  return exit_success;
}

int encode(options given) {
  if (!given.format.empty()) return encode_struct(given);
  int exit_code = exit_success;
  const auto types = open_codec(given.source, exit_code);
  if (!types) return exit_code;
  std::string name = lone_layout_name;
  if (given.source.layout.empty()) {
    if (given.words.empty()) return complain(exit_usage, "no command given: encode -c FILE NAME key=value…");
    name = given.words.front();
    given.words.erase(given.words.begin());
  }
  const auto way = given.reply ? protocol::direction::reply : protocol::direction::command;
  std::string error;
  auto values = values_of(given.words, error);
  if (!values) return complain(exit_usage, error);
  if (given.has_json) {
    if (!values->is_null()) return complain(exit_usage, "give values as key=value or with --json, not both");
    values = value_of_json(given.json, error);
    if (!values) return complain(exit_usage, "--json: " + error);
  }
  const packed_message packed = pack_named(*types, way, name, *values);
  if (!packed.error.empty()) return complain(packed.is_unknown ? exit_usage : exit_data, packed.error);
  print(packed.bytes, given.raw);
  return exit_success;
}

}  // namespace

void add_encode(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand("encode", "Pack a command and print its bytes");
  add_codec_source(*command, given->source);
  auto* format = command->add_option("--struct", given->format,
                                     "A format string of Python's struct module instead of a layout");
  command->add_flag("--size", given->size, "With --struct: print the size in bytes, as calcsize does")
      ->needs(format);
  auto* json = command->add_option("--json", given->json, "The values as JSON");
  command->add_flag("--reply", given->reply, "Pack a reply, as sent by the server");
  command->add_flag("--raw", given->raw, "Print raw bytes instead of hex digits");
  command->add_option("words", given->words, "NAME and key=value…; a value that is not valid JSON is a text");
  command->positionals_at_end(false);
  command->callback([given, json, &exit_code] {
    given->has_json = json->count() > 0;
    exit_code = encode(*given);
  });
}

}  // namespace duplexd::cli
