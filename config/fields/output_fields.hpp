#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/template.hpp"
#include "config/settings/output_settings.hpp"

namespace duplexd::config {

/// Reads `${time} ${data.price}`: texts and columns (docs/outputs.md); `$${` stands for a literal `${`.
/// `error` says what is wrong with it. Pure.
[[nodiscard]] std::optional<std::vector<template_part>> parse_event_template(std::string_view text,
                                                                             std::string& error);

/// The path of a value that a column stands for; empty: it is something else of the event.
[[nodiscard]] std::string value_path(std::string_view column);

/// A secret itself, not what is made with it, in the arguments of a program: "${credential:key}". Everybody
/// on the machine can see them.
[[nodiscard]] std::optional<std::string> visible_secret(const std::vector<text_template>& program);

}  // namespace duplexd::config
