#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reference/template.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

/// What an event becomes in an output (docs/outputs.md).
enum class record_form : std::uint8_t {
  json,     ///< the whole event, a line
  ndjson,   ///< a reply's values alone, a line
  csv,      ///< columns, a line
  msgpack,  ///< the whole event
  raw,      ///< the packet's bytes
  text      ///< a template's text
};

/// A part of a template: what stands there, then a column.
struct template_part {
  std::string literal{};
  std::string column{};  ///< empty: none, at the end
};

struct record_settings {
  record_form form = record_form::json;
  std::vector<std::string> columns{};  ///< of csv: time, session, event, reply, or the path of a value
  std::vector<template_part> parts{};  ///< of text
};

/// Which events of a session an output gets.
struct output_route {
  std::string to;
  std::vector<std::string> replies{};      ///< these only; empty: all events
  nlohmann::ordered_json where = nullptr;  ///< conditions on a reply's values, see config::matches
  record_settings record{};
};

enum class output_type : std::uint8_t {
  standard_output,
  standard_error,
  file,
  sqlite,
  exec,
  http,
  tcp,
  udp,
  syslog,
  journald,
  postgres,
  mqtt,
  nats
};

/// How syslog messages travel: as datagrams to a socket of this machine or by UDP, or over TCP.
enum class syslog_transport : std::uint8_t { unix_socket, udp, tcp };

/// As RFC 5424, 6.2.1, numbers them.
enum class syslog_facility : std::uint8_t {
  kern,
  user,
  mail,
  daemon,
  auth,
  syslog,
  lpr,
  news,
  uucp,
  cron,
  authpriv,
  ftp,
  local0 = 16,
  local1,
  local2,
  local3,
  local4,
  local5,
  local6,
  local7
};

/// Likewise.
enum class syslog_severity : std::uint8_t { emergency, alert, critical, error, warning, notice, info, debug };

/// What the lines are that a program prints.
enum class program_answers : std::uint8_t { log, commands };

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

/// What a request's body is.
enum class batch_body : std::uint8_t {
  ndjson,  ///< records as they are, one after the other
  json     ///< a list of them
};

/// When a request leaves: with the first of these.
struct batch_settings {
  std::uint16_t events = 500;
  std::uint64_t size = 1'000'000;         ///< bytes
  std::chrono::milliseconds time{1'000};  ///< since the last request
};

/// A header with a request's HMAC-SHA256 in hexadecimal digits; no header: none.
struct signature_settings {
  std::string header{};
  text_template secret{};
};

/// A broker's messages that are commands (docs/commands.md). Neither `from` nor `stream`: there are none.
struct broker_commands {
  std::string from{};      ///< the topic or subject, with the broker's wildcards
  std::string answers{};   ///< where the end of a command goes whose message names no place; empty: nowhere
  std::string stream{};    ///< of JetStream, instead of `from`
  std::string consumer{};  ///< of that stream, durable
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
  std::vector<text_template> program{};                       ///< and its arguments; no shell
  std::vector<std::pair<std::string, text_template>> environment{};  ///< what is added to it
  program_answers answers = program_answers::log;
  text_template url{};
  std::vector<std::pair<std::string, text_template>> headers{};
  batch_body body = batch_body::ndjson;
  batch_settings batch{};
  std::chrono::milliseconds timeout{30'000};
  std::string dead_letters{};  ///< absolute, as `path`; empty: what is refused is dropped
  signature_settings sign{};
  bool idempotency = false;  ///< each batch has a key of its own, which its retries share
  config::url address{.secure = false, .host = {}, .port = 0};  ///< host and port of a peer
  bool tls = false;                                             ///< over TCP
  std::string socket{};                                         ///< absolute path of a socket of this machine
  syslog_transport transport = syslog_transport::unix_socket;
  syslog_facility facility = syslog_facility::daemon;
  syslog_severity severity = syslog_severity::info;
  std::string app_name = "duplexd";  ///< who logs, in syslog's and journald's words
  std::string structured_data{};  ///< the id of the element with session, event, reply; empty: there is none
  bool durable = false;           ///< its events go through the journal
  std::string topic{};            ///< of a broker's messages, with the placeholders of docs/outputs.md
  text_template user{};
  text_template password{};
  text_template token{};     ///< instead of a user
  std::string creds_file{};  ///< absolute; a user's JWT and key
  std::string client_id{};   ///< empty: the broker gives one
  std::uint16_t qos = 1;     ///< 0 or 1
  bool retain = false;
  bool jetstream = false;
  std::chrono::milliseconds keepalive{60'000};
  text_template ca_file{};  ///< empty: the system's certificates
  text_template cert_file{};
  text_template key_file{};  ///< empty: it is in `cert_file`
  broker_commands commands{};
};

/// What happens when the journal is full.
enum class journal_policy : std::uint8_t { block, drop_oldest };

/// Where events of durable outputs are kept until these have taken them (docs/durability.md).
struct journal_settings {
  std::string file{};                ///< absolute; empty: in the directory that systemd gives
  std::uint64_t size = 1024u << 20;  ///< bytes of the file
  journal_policy full = journal_policy::block;
  std::chrono::milliseconds keep{0};  ///< how long events stay after their output has taken them
  std::chrono::milliseconds remember{std::chrono::hours{24}};  ///< how long ids of ended commands are known
};

}  // namespace duplexd::config
