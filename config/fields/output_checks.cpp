#include "config/fields/output_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "config/fields/field_judge.hpp"
#include "config/fields/output_choices.hpp"
#include "config/fields/output_fields.hpp"
#include "config/value/http_token.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

namespace {

void check_outside(const value_at& at, const text_template& text, std::string_view field, reading& in) {
  field_judge(at, in).check_outside(text, field);
}

/// `without_tls` says why certificates would have no effect; empty: they have one.
void check_certificates(const parsed_output& output, std::string_view without_tls, field_judge& judge) {
  for (const auto& [field, text] :
       {std::pair{"ca_file", &output.ca_file}, std::pair{"cert_file", &output.cert_file},
        std::pair{"key_file", &output.key_file}}) {
    judge.check_outside(*text, field);
    if (!without_tls.empty()) judge.refuse(field, without_tls);
  }
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// An SD-ID with an enterprise number (RFC 5424, 6.3.2).
bool is_structured_data_id(std::string_view text) {
  constexpr std::size_t longest = 32;
  const std::size_t at = text.find('@');
  if (text.size() > longest || at == 0 || at == std::string_view::npos) return false;
  const std::string_view number = text.substr(at + 1);
  return is_visible(text) && text.find_first_of("=]\"") == std::string_view::npos && !number.empty() &&
         number.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

void check_program(const value_at& at, const parsed_output& output, reading& in) {
  if (output.type != output_type::exec) return;
  if (output.program.empty())
    in.mistakes.push_back(
        {at.value.where, at.path, "an output of type exec needs a program", "add program: [NAME, ARGUMENT]"});
  for (const text_template& part : output.program) check_outside(at, part, "program", in);
  for (const auto& [name, text] : output.environment) check_outside(at, text, "env", in);
  if (const auto secret = visible_secret(output.program))
    in.warnings.push_back(
        {at.value.where, at.path + ".program",
         fmt::format("everybody on the machine can see {} in a program's arguments", *secret),
         "give it by 'env'"});
}

std::vector<template_part> read_template(const value_at& at, std::optional<record_form> form,
                                         const protocol::node* text, reading& in) {
  if (form == record_form::text && text == nullptr)
    in.mistakes.push_back({at.value.where, at.path, "format: template needs a template",
                           R"(add template: "${time} ${FIELD}\n")"});
  if (text == nullptr) return {};
  const value_at place{*text, at.path + ".template"};
  if (form != record_form::text) place.complain(in, "a template is only allowed with format: template");
  if (text->kind != protocol::node_kind::text) {
    place.complain(in, expected("a text", *text));
    return {};
  }
  std::string error;
  auto parts = parse_event_template(text->text, error);
  if (!parts)
    place.complain(in, std::move(error),
                   "write ${time}, ${session}, ${reply} or the path of a value, '$${' for a literal '${'");
  return parts ? std::move(*parts) : std::vector<template_part>{};
}

void check_columns(const value_at& at, std::optional<record_form> form,
                   const std::vector<std::string>& columns, reading& in) {
  if (form == record_form::csv && columns.empty())
    in.mistakes.push_back({at.value.where, at.path, "csv needs its columns", "add columns: [time, FIELD]"});
  if (!columns.empty() && form != record_form::csv)
    in.mistakes.push_back({at.value.where, at.path, "columns are only allowed with format: csv", ""});
}

void check_requests(const value_at& at, const parsed_output& output, reading& in) {
  if (output.type != output_type::http) return;
  field_judge judge(at, in);
  if (output.url.empty())
    judge.complain("url", "an output of type http needs a url", "add url: https://HOST/PATH");
  std::optional<url> server;  // what is known of it now
  judge.check_value(
      "url", [&](const std::string& text, std::string& error) { server = parse_http_url(text, error); },
      "https://HOST/PATH");
  std::string ignored;  // if not, its beginning
  if (!server) server = parse_http_url(output.url.with_placeholder("1"), ignored);
  judge.check_outside(output.url, "url");
  check_certificates(output, server && !server->secure ? "http:// without TLS" : "", judge);
  for (const auto& [name, text] : output.headers) check_outside(at, text, "headers", in);
  check_outside(at, output.sign.secret, "sign", in);
  if (!output.sign.header.empty() && !is_http_token(output.sign.header))
    judge.complain("sign", "a header name consists of letters, digits and '-'");
  if (!is_json(output.form)) judge.complain("format", "an output of type http writes json or ndjson");
  if (output.compress == file_compression::zstd)
    judge.complain("compress", "requests can be compressed with gzip only");
}

void check_database(const value_at& at, const parsed_output& output, reading& in) {
  if (output.type != output_type::postgres) return;
  field_judge judge(at, in);
  constexpr const char* example = "postgresql://USER@HOST/DATABASE?sslmode=verify-full";
  if (output.url.empty())
    judge.complain("url", "an output of type postgres needs a url", fmt::format("add url: {}", example));
  else
    judge.check_value(
        "url",
        [](const std::string& url, std::string& error) {
          if (!url.starts_with("postgresql://") && !url.starts_with("postgres://"))
            error = "the url of a database begins with postgresql://";
        },
        example);
  check_outside(at, output.url, "url", in);
}

void check_peer(const value_at& at, const parsed_output& output, reading& in) {
  field_judge judge(at, in);
  const bool is_syslog = output.type == output_type::syslog;
  const bool is_local = is_syslog && output.transport == syslog_transport::unix_socket;
  const bool needs_address =
      output.type == output_type::tcp || output.type == output_type::udp || (is_syslog && !is_local);
  const auto type = choice_parser<output_type>::show(output.type).get<std::string>();
  const std::string what =
      is_syslog ? fmt::format("syslog over transport {}",
                              choice_parser<syslog_transport>::show(output.transport).get<std::string>())
                : fmt::format("an output of type {}", type);
  if (needs_address && output.address.port == 0)
    judge.complain("address", what + " needs an address", "add address: HOST:PORT");
  if (is_local) judge.refuse("address", what);
  if (is_syslog && !is_local) judge.refuse("socket", what);
  if (is_syslog && output.transport != syslog_transport::tcp) {
    for (const char* field : {"tls", "timeout"}) judge.refuse(field, what);
    check_certificates(output, what, judge);
  } else if (is_syslog || output.type == output_type::tcp) {
    check_certificates(output, output.tls ? "" : what + " without 'tls: true'", judge);
  }
  constexpr std::size_t longest_socket = 107;  // sockaddr_un
  if (output.socket.size() > longest_socket)
    judge.complain("socket", "the socket's path is longer than 107 bytes, the system's limit");
  constexpr std::size_t longest_name = 48;  // APP-NAME of RFC 5424
  if (output.app_name.empty() || output.app_name.size() > longest_name || !is_visible(output.app_name))
    judge.complain("app_name", "a name consists of 1 to 48 visible ASCII characters");
  if (!output.structured_data.empty() && !is_structured_data_id(output.structured_data))
    judge.complain("structured_data", "it is not NAME@NUMBER, of at most 32 characters", "feed@32473");
}

}  // namespace duplexd::config
