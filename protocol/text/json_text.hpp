#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::protocol {

/// How JSON is written into commands. `python` is what json.dumps does by default: ", " and ": " between
/// parts and \u escapes above ASCII. `compact` is what JSON.stringify does: no spaces, UTF-8.
enum class json_style : std::uint8_t { python, compact };

/// Appends `value` as JSON text. Binary values become hex texts, NaN and infinities texts (see append_real).
/// Texts must be UTF-8; false otherwise, and `out` is then incomplete.
[[nodiscard]] bool append_json(std::string& out, const nlohmann::ordered_json& value, json_style style);

/// What is wrong with a JSON text, and where.
struct json_fault {
  std::size_t offset = 0;
  const char* message = "";
  bool too_deep = false;
};

/// How many levels of lists and maps a JSON text may have where nothing else is said.
inline constexpr std::size_t standard_json_depth = 64;

/// Checks that `text` is one JSON value (RFC 8259, UTF-8, no lone surrogates, at most `depth` levels) and
/// appends it to `out` without white space between tokens. On a fault `out` is as before. One pass, no tree.
[[nodiscard]] std::optional<json_fault> copy_json(std::string_view text, std::string& out, std::size_t depth);

/// The same check, without a copy.
[[nodiscard]] std::optional<json_fault> check_json(std::string_view text, std::size_t depth);

/// The text with the numbers that Python writes and JSON does not have (NaN, Infinity, -Infinity) as
/// append_real writes them: "nan", "inf", "-inf". Nothing if there are none.
[[nodiscard]] std::optional<std::string> replace_non_finite(std::string_view text);

/// Reads JSON that others wrote, of at most `depth` levels, into a tree (see json_tree): trees are copied,
/// written and destroyed level by level on the stack. A byte order mark in front is left out. On a fault
/// `out` is as before.
[[nodiscard]] std::optional<json_fault> parse_json(std::string_view text, nlohmann::ordered_json& out,
                                                   std::size_t depth = standard_json_depth);

/// The same for who does not ask what is wrong.
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_json(std::string_view text);

/// Whether `value` has more than `depth` levels of lists and maps.
[[nodiscard]] bool is_deeper(const nlohmann::ordered_json& value, std::size_t depth) noexcept;

/// The text of the value that a JSON pointer's parts lead to (an array's by its index), without checking the
/// rest of the text. Nothing if there is none.
[[nodiscard]] std::optional<std::string_view> find_json(std::string_view text,
                                                        const std::vector<std::string>& parts);

/// Reads those fields of a map that have one of the names; of a name that comes twice the last counts, as in
/// a tree. `text` was checked. False if the fields cannot be told without reading the whole text into a tree:
/// it is not a map, or one of its names is escaped. `out` is a map then or not: it is to be read again.
[[nodiscard]] bool read_json_fields(std::string_view text, std::span<const std::string> names,
                                    nlohmann::ordered_json& out);

/// The parts of a JSON pointer, RFC 6901; nothing if it does not start with '/'. An empty text has no parts.
[[nodiscard]] std::optional<std::vector<std::string>> split_pointer(std::string_view pointer);

/// "a list", "a text" …: what kind of value this is, for error messages.
[[nodiscard]] std::string_view kind_of(const nlohmann::ordered_json& value) noexcept;

}  // namespace duplexd::protocol
