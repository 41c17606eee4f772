// The words of outputs' choices. `choice_parser` finds them by their argument.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "config/fields/value_parsers.hpp"
#include "config/settings/output_settings.hpp"

namespace duplexd::config {

inline const auto& words_of(record_form /*any*/) {
  static constexpr std::array<std::pair<record_form, std::string_view>, 6> words{
      {{record_form::json, "json"},
       {record_form::ndjson, "ndjson"},
       {record_form::csv, "csv"},
       {record_form::msgpack, "msgpack"},
       {record_form::raw, "raw"},
       {record_form::text, "template"}}};
  return words;
}
inline const auto& words_of(output_type /*any*/) {
  static constexpr std::array<std::pair<output_type, std::string_view>, 13> words{
      {{output_type::standard_output, "stdout"},
       {output_type::standard_error, "stderr"},
       {output_type::file, "file"},
       {output_type::sqlite, "sqlite"},
       {output_type::exec, "exec"},
       {output_type::http, "http"},
       {output_type::tcp, "tcp"},
       {output_type::udp, "udp"},
       {output_type::syslog, "syslog"},
       {output_type::journald, "journald"},
       {output_type::postgres, "postgres"},
       {output_type::mqtt, "mqtt"},
       {output_type::nats, "nats"}}};
  return words;
}
inline const auto& words_of(batch_body /*any*/) {
  static constexpr std::array<std::pair<batch_body, std::string_view>, 2> words{
      {{batch_body::ndjson, "ndjson"}, {batch_body::json, "json"}}};
  return words;
}
inline const auto& words_of(program_answers /*any*/) {
  static constexpr std::array<std::pair<program_answers, std::string_view>, 2> words{
      {{program_answers::log, "log"}, {program_answers::commands, "commands"}}};
  return words;
}
inline const auto& words_of(overflow_policy /*any*/) {
  static constexpr std::array<std::pair<overflow_policy, std::string_view>, 3> words{
      {{overflow_policy::block, "block"},
       {overflow_policy::drop_oldest, "drop_oldest"},
       {overflow_policy::drop_newest, "drop_newest"}}};
  return words;
}
inline const auto& words_of(file_compression /*any*/) {
  static constexpr std::array<std::pair<file_compression, std::string_view>, 3> words{
      {{file_compression::none, "none"}, {file_compression::gzip, "gzip"}, {file_compression::zstd, "zstd"}}};
  return words;
}
inline const auto& words_of(journal_policy /*any*/) {
  static constexpr std::array<std::pair<journal_policy, std::string_view>, 2> words{
      {{journal_policy::block, "block"}, {journal_policy::drop_oldest, "drop_oldest"}}};
  return words;
}
inline const auto& words_of(syslog_transport /*any*/) {
  static constexpr std::array<std::pair<syslog_transport, std::string_view>, 3> words{
      {{syslog_transport::unix_socket, "unix"},
       {syslog_transport::udp, "udp"},
       {syslog_transport::tcp, "tcp"}}};
  return words;
}
inline const auto& words_of(syslog_facility /*any*/) {
  static constexpr std::array<std::pair<syslog_facility, std::string_view>, 20> words{
      {{syslog_facility::kern, "kern"},         {syslog_facility::user, "user"},
       {syslog_facility::mail, "mail"},         {syslog_facility::daemon, "daemon"},
       {syslog_facility::auth, "auth"},         {syslog_facility::syslog, "syslog"},
       {syslog_facility::lpr, "lpr"},           {syslog_facility::news, "news"},
       {syslog_facility::uucp, "uucp"},         {syslog_facility::cron, "cron"},
       {syslog_facility::authpriv, "authpriv"}, {syslog_facility::ftp, "ftp"},
       {syslog_facility::local0, "local0"},     {syslog_facility::local1, "local1"},
       {syslog_facility::local2, "local2"},     {syslog_facility::local3, "local3"},
       {syslog_facility::local4, "local4"},     {syslog_facility::local5, "local5"},
       {syslog_facility::local6, "local6"},     {syslog_facility::local7, "local7"}}};
  return words;
}
inline const auto& words_of(syslog_severity /*any*/) {
  static constexpr std::array<std::pair<syslog_severity, std::string_view>, 8> words{
      {{syslog_severity::emergency, "emergency"},
       {syslog_severity::alert, "alert"},
       {syslog_severity::critical, "critical"},
       {syslog_severity::error, "error"},
       {syslog_severity::warning, "warning"},
       {syslog_severity::notice, "notice"},
       {syslog_severity::info, "info"},
       {syslog_severity::debug, "debug"}}};
  return words;
}

template <>
struct value_parser<record_form> : choice_parser<record_form> {};
template <>
struct value_parser<output_type> : choice_parser<output_type> {};
template <>
struct value_parser<batch_body> : choice_parser<batch_body> {};
template <>
struct value_parser<program_answers> : choice_parser<program_answers> {};
template <>
struct value_parser<overflow_policy> : choice_parser<overflow_policy> {};
template <>
struct value_parser<file_compression> : choice_parser<file_compression> {};
template <>
struct value_parser<journal_policy> : choice_parser<journal_policy> {};
template <>
struct value_parser<syslog_transport> : choice_parser<syslog_transport> {};
template <>
struct value_parser<syslog_facility> : choice_parser<syslog_facility> {};
template <>
struct value_parser<syslog_severity> : choice_parser<syslog_severity> {};

}  // namespace duplexd::config
