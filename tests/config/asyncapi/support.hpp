#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/asyncapi/import_asyncapi.hpp"

namespace duplexd::config::testing {

/// What an AsyncAPI document gave, with mistakes and notes as they are printed. The file's name is `f`.
struct import_outcome {
  std::optional<nlohmann::ordered_json> made;
  std::vector<std::string> mistakes;
  std::vector<std::string> notes;
};

/// Imports a document; fails the test if it is not YAML.
[[nodiscard]] import_outcome import_document(std::string_view text, const asyncapi_options& options = {});

/// What was made of a document with exactly these notes; fails the test unless it passes as a configuration
/// and is read back as it was.
nlohmann::ordered_json good_import(std::string_view text, const std::vector<std::string>& notes = {});

/// The rest of a document with one channel `feed`, whose server does what the operations say.
[[nodiscard]] std::string document_of(const std::string& messages, const std::string& operations);

}  // namespace duplexd::config::testing
