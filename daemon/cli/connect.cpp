#include "daemon/cli/connect.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/load/load.hpp"
#include "daemon/app/console.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/cli/codec_source.hpp"
#include "daemon/cli/hex_table.hpp"
#include "daemon/cli/message_printer.hpp"
#include "daemon/cli/typed_values.hpp"
#include "protocol/text/parts.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;
using protocol::direction;
using protocol::frame_kind;
using shared_protocol = std::shared_ptr<const protocol::protocol>;
using outgoing_message = console_options::message;

constexpr const char* session_name = "connect";

struct connect_options {
  std::string url;
  codec_source source;
  std::vector<std::string> headers;
  std::vector<std::string> subprotocols;
  std::string ca_file;
  double wait = 1;  // seconds
  bool insecure = false;
  bool binary_hex = false;
  bool verbose = false;
};

int complain(const std::string& what) {
  std::fprintf(stderr, "duplexd: %s\n", protocol::one_line(what).c_str());
  return exit_usage;
}

/// The session that the command line describes, as a configuration would; nothing after a complaint.
std::optional<ordered_json> session_of(const connect_options& given) {
  ordered_json session{{"url", given.url}};
  for (const std::string& each : given.headers) {
    const auto colon = each.find(':');
    const std::string name{protocol::trimmed(std::string_view{each}.substr(0, colon))};
    if (colon == std::string::npos || name.empty()) {
      complain("--header: expected 'Name: value'");  // without the text, which is likely a secret
      return std::nullopt;
    }
    ordered_json& headers = session["headers"];
    if (headers.contains(name)) complain(fmt::format("--header: {} is there twice", name));
    if (headers.contains(name)) return std::nullopt;
    headers[name] = protocol::trimmed(std::string_view{each}.substr(colon + 1));
  }
  if (!given.subprotocols.empty()) session["subprotocols"] = given.subprotocols;
  if (!given.ca_file.empty()) session["tls"]["ca_file"] = given.ca_file;
  if (given.insecure) session["tls"]["verify"] = false;
  return session;
}

std::optional<config::settings> settings_of(const connect_options& given) {
  const auto session = session_of(given);
  if (!session) return std::nullopt;
  const ordered_json document{{"sessions", {{session_name, *session}}}};
  protocol::diagnostics mistakes;
  auto settings = config::load_text(document.dump(-1, ' ', false, ordered_json::error_handler_t::replace),
                                    config::document_format::json, "connect", {}, mistakes);
  const std::string prefix = std::string("sessions.") + session_name + ".";
  for (protocol::diagnostic& each : mistakes) {
    each.where = {};
    if (each.path.starts_with(prefix)) each.path.erase(0, prefix.size());
    std::fprintf(stderr, "%s\n", config::format("duplexd", each).c_str());
  }
  return settings;
}

/// What lines mean, and how messages are shown.
class translator {
 public:
  translator(const connect_options& given, shared_protocol types, bool marks)
      : types_(std::move(types)),
        has_layout_(!given.source.layout.empty()),
        binary_hex_(given.binary_hex),
        marks_(marks) {
    if (types_) replies_ = std::make_unique<protocol::packet_reader>(types_, direction::reply);
  }

  outgoing_message read(const std::string& line) {
    if (types_) return packed(line);
    if (binary_hex_) return binary(line);
    if (protocol::find_bad_utf8(line) != line.size())
      return {.error = "it is not UTF-8, as texts must be (--binary-hex sends bytes)"};
    return {frame_kind::text, {line.begin(), line.end()}, {}};
  }

  std::string show(protocol::frame_view frame) {
    if (types_) return unpacked(frame);
    if (frame.kind == frame_kind::binary) return shown_binary(frame);
    const std::string_view text{reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size()};
    return (marks_ ? protocol::as_lines(text) : std::string(text)) + "\n";
  }

 private:
  outgoing_message packed(std::string_view line) const {
    line = protocol::trimmed(line, " \t\r");
    std::string name = lone_layout_name;
    if (!has_layout_) {
      const auto end = std::min(line.find(' '), line.size());
      name = line.substr(0, end);
      line.remove_prefix(end);
    }
    outgoing_message made;
    const auto values = values_of_line(line, made.error);
    if (!values) return made;
    packed_message packed = pack_named(*types_, direction::command, name, *values);
    return {packed.kind, std::move(packed.bytes), std::move(packed.error)};
  }

  static outgoing_message binary(std::string digits) {
    std::erase_if(digits, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == ':'; });
    auto bytes = protocol::parse_hex(digits);
    if (!bytes) return {.error = "it is not hex digits"};
    return {frame_kind::binary, std::move(*bytes), {}};
  }

  std::string unpacked(protocol::frame_view frame) {
    std::string lines;
    replies_->begin(frame);
    protocol::packet found;
    while (replies_->next(found)) lines += line_of(found, direction::reply, "").text + "\n";
    return lines;
  }

  std::string shown_binary(protocol::frame_view frame) const {
    if (marks_) return fmt::format("{} bytes\n{}", frame.bytes.size(), hex_table(frame.bytes));
    std::string digits;
    protocol::append_hex(digits, frame.bytes);
    return digits + "\n";
  }

  shared_protocol types_;  ///< null: messages are shown as they are
  bool has_layout_;        ///< one, so that lines name no command
  bool binary_hex_;
  bool marks_;
  std::unique_ptr<protocol::packet_reader> replies_;
};

int connect(const connect_options& given) {
  int exit_code = exit_success;
  shared_protocol types;
  if (!given.source.layout.empty() || !given.source.file.empty()) {
    types = open_codec(given.source, exit_code);
    if (!types) return exit_code;
  }
  const auto settings = settings_of(given);
  if (!settings) return exit_usage;
  const bool marks = ::isatty(STDOUT_FILENO) == 1;
  translator translate(given, std::move(types), marks);
  console_options how{
      .read = [&](const std::string& line) { return translate.read(line); },
      .show = [&](protocol::frame_view frame) { return translate.show(frame); },
      .marks = marks,
      .prompt = marks && ::isatty(STDIN_FILENO) == 1,
      .verbose = given.verbose,
      .wait = std::chrono::milliseconds{static_cast<std::int64_t>(given.wait * 1000)},
  };
  console terminal{settings->sessions.front(), std::move(how)};
  return terminal.run();
}

}  // namespace

void add_connect(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<connect_options>();
  CLI::App* command = app.add_subcommand(
      "connect", "Connect to a URL; send the lines of stdin, print what comes (docs/connect.md)");
  command->add_option("URL", given->url, "The server's address: wss://, ws:// or ws+unix:")->required();
  add_codec_source(*command, given->source);
  command->add_option("--header", given->headers, "'Name: value', a header of the handshake; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--subprotocol", given->subprotocols, "A subprotocol to offer; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--ca-file", given->ca_file, "PEM file with the CAs to trust");
  command->add_flag("--insecure", given->insecure, "Do not verify the server's certificate");
  command->add_flag("--binary-hex", given->binary_hex, "Lines are hex digits, sent as binary messages");
  command->add_flag("--verbose", given->verbose, "Print connection, pings and close frames to stderr");
  command
      ->add_option("--wait", given->wait, "Seconds to wait for answers after the end of stdin (default: 1)")
      ->check(CLI::Range(0.0, 86400.0));
  command->callback([given, &exit_code] { exit_code = connect(*given); });
}

}  // namespace duplexd::cli
