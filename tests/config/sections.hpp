#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "config/fields/field.hpp"

namespace duplexd::config::testing {

/// Calls `visit` for each section of the field table, once.
void for_each_section(const std::function<void(const section&)>& visit);

/// A good document in JSON but for `fields`, which its section `id` has besides the fields that it needs.
/// Its protocol has the commands and replies that the table's examples name.
[[nodiscard]] std::string document_with(const std::string& id, const nlohmann::ordered_json& fields);

/// The same with nothing else in the section.
[[nodiscard]] std::string document_with_only(const std::string& id, const nlohmann::ordered_json& fields);

/// Where the section stands in such a document, as messages write it: "sessions.s.tls".
[[nodiscard]] std::string path_of(const std::string& id);

}  // namespace duplexd::config::testing
