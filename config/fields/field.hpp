#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/reading.hpp"

namespace duplexd::config {

struct section;

/// What a reload of the file does about a field that has changed.
enum class change_rule : std::uint8_t {
  restart,    ///< refuses it: duplexd has to be restarted
  reconnect,  ///< the sessions that it concerns reconnect
  live,       ///< takes it at once
};

/// What may be written as a value: for people, for JSON Schema, and for those who look inside.
struct value_type {
  std::string name;                ///< "duration", "list of texts"
  nlohmann::ordered_json schema;   ///< of the value; sections are references to "#/$defs/ID"
  const section* inner = nullptr;  ///< the fields inside, if it is a section or holds some
};

/// One field of the configuration, said once: reading, checking, JSON Schema and the reference page follow.
struct field {
  std::string name;
  std::string doc;  ///< one sentence
  value_type type;
  nlohmann::ordered_json fallback;  ///< the default as one would write it; null: none
  nlohmann::ordered_json sample;    ///< an example; null: the default says enough
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::string range_text;  ///< "1s to 2h"
  bool is_required = false;
  bool is_merged = false;                ///< a session's section adds to the default's, field by field
  bool is_map_only = false;              ///< of all JSON values only a map will do
  bool is_apart = false;                 ///< the example does not go with all the others of its section
  std::vector<std::string> beside;       ///< only together with one of these
  std::optional<change_rule> on_change;  ///< absent: as what the field is in

  /// Reads the value into the member of `object`, which is of the section's type.
  std::function<void(const field&, const value_at&, void* object, reading&)> read;

  field&& required() &&;
  field&& merged() &&;
  field&& map_only() &&;
  field&& apart() &&;
  field&& example(nlohmann::ordered_json value) &&;
  field&& only_beside(std::vector<std::string> names) &&;
  field&& of_type(value_type replacement) &&;
  field&& changed(change_rule rule) &&;

  /// The least and the greatest value, and how to write them.
  field&& range(double least, double greatest, std::string text) &&;
};

/// A map with known keys.
struct section {
  std::string id;   ///< name in JSON Schema and heading of the reference page
  std::string doc;  ///< what it is for
  std::vector<field> fields;
  bool is_layered = false;  ///< completed by defaults and templates: JSON Schema demands nothing of it
  std::vector<std::string> exactly_one = {};  ///< one of these must be there, and no other of them
  bool has_extensions = false;                ///< what begins with `x-` is not read

  [[nodiscard]] const field* find(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string> names() const;
};

/// Reads a map into `object`, the section's own type. `where` is told for what is missing.
void read_section(const section& fields, const value_at& from, protocol::position where, void* object,
                  reading& in);

/// "expected a map, found a text".
[[nodiscard]] std::string expected(std::string_view wanted, const protocol::node& found);

/// A text of the document for a message: in quotes, cut when long.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace duplexd::config
