#include "config/fields/output_checks.hpp"

#include <fmt/format.h>

#include "config/fields/output_fields.hpp"
#include "config/value/http_token.hpp"

namespace duplexd::config {

namespace {

void check_outside(const value_at& at, const text_template& text, std::string_view field, reading& in) {
  const protocol::node* place = at.value.find(field);
  if (!text.has_inside() || place == nullptr) return;
  in.mistakes.push_back({place->where, fmt::format("{}.{}", at.path, field),
                         "an output belongs to no session: only env, file and credential have values here",
                         ""});
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
  const auto complain = [&](std::string_view field, std::string message, std::string hint) {
    const protocol::node* place = at.value.find(field);
    in.mistakes.push_back({place != nullptr ? place->where : at.value.where,
                           place != nullptr ? fmt::format("{}.{}", at.path, field) : at.path,
                           std::move(message), std::move(hint)});
  };
  if (output.url.empty()) complain("url", "an output of type http needs a url", "add url: https://HOST/PATH");
  check_outside(at, output.url, "url", in);
  for (const auto& [name, text] : output.headers) check_outside(at, text, "headers", in);
  check_outside(at, output.sign.secret, "sign", in);
  if (!output.sign.header.empty() && !is_http_token(output.sign.header))
    complain("sign", "a header name consists of letters, digits and '-'", "");
  if (!is_json(output.form)) complain("format", "an output of type http writes json or ndjson", "");
  if (output.compress == file_compression::zstd)
    complain("compress", "requests can be compressed with gzip only", "");
}

}  // namespace duplexd::config
