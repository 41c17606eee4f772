#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/parsed.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// What an output of type exec must have, and what it cannot.
void check_program(const value_at& at, const parsed_output& output, reading& in);

/// The same of type http.
void check_requests(const value_at& at, const parsed_output& output, reading& in);

/// The same of types that send to a peer or a socket of this machine.
void check_peer(const value_at& at, const parsed_output& output, reading& in);

/// The same of type postgres.
void check_database(const value_at& at, const parsed_output& output, reading& in);

/// Columns stand there exactly if the form is csv.
void check_columns(const value_at& at, std::optional<record_form> form,
                   const std::vector<std::string>& columns, reading& in);

/// The parts of a template, which stands there exactly if the form is that.
[[nodiscard]] std::vector<template_part> read_template(const value_at& at, std::optional<record_form> form,
                                                       const protocol::node* text, reading& in);

/// Whether records of that form can be sent by HTTP.
[[nodiscard]] constexpr bool is_json(record_form form) noexcept {
  return form == record_form::json || form == record_form::ndjson;
}

}  // namespace duplexd::config
