#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// The two notations of a configuration.
enum class document_format : std::uint8_t { yaml, json };

/// The notation that a file's name tells: `.json` is JSON, everything else YAML.
[[nodiscard]] document_format format_of(std::string_view file) noexcept;

/// Reads a document of UTF-8 text into a tree in which each value knows its place. A scalar's place is that
/// of its first character, behind an opening quote. Duplicate keys are mistakes of which the first value is
/// kept; what cannot be read at all gives nothing. YAML: aliases are expanded and keep the place of their
/// anchor's text, `<<` merges, tags are refused, `yes` and `on` are texts, and so are numbers with a leading
/// zero.
[[nodiscard]] std::optional<protocol::node> read_document(std::string_view text, document_format format,
                                                          protocol::diagnostics& out);

/// The parts of `read_document`, for text that was found to be clean UTF-8 without a byte order mark.
[[nodiscard]] protocol::node read_yaml(std::string_view text, protocol::diagnostics& out);
[[nodiscard]] protocol::node read_json(std::string_view text, protocol::diagnostics& out);

/// Null, boolean, integer, real or text: what an unquoted scalar is in either notation.
[[nodiscard]] protocol::node_kind kind_of_plain(std::string_view scalar) noexcept;

}  // namespace duplexd::config
