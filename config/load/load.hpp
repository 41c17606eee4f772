#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/document/document.hpp"
#include "config/settings/settings.hpp"
#include "protocol/document/diagnostic.hpp"

namespace duplexd::protocol {
class schema_reader;
}

namespace duplexd::config {

struct load_options {
  /// Do not look up `${…}` references: `check` on a machine without the secrets.
  bool secrets_absent = false;

  /// If not null, takes what is legal but insecure or hardly meant, in the order of the places.
  protocol::diagnostics* warnings = nullptr;

  /// Reads layouts that are schemas (Protocol Buffers). Null: they are mistakes.
  protocol::schema_reader* schemas = nullptr;
};

/// Reads, checks and compiles the file, or stdin if it is "-". `.json` is read as JSON, everything else as
/// YAML. Of a folder it reads all files that `is_config_name` takes, as one configuration. All mistakes of
/// the file go to `out`, in the order of their places; the result is empty if there are any. Reads files;
/// blocks.
[[nodiscard]] std::optional<settings> load(const std::string& file, const load_options& options,
                                           protocol::diagnostics& out);

/// The same for a document in memory. `file` is its name in `settings`; relative paths start from its
/// directory.
[[nodiscard]] std::optional<settings> load_text(std::string_view text, document_format format,
                                                const std::string& file, const load_options& options,
                                                protocol::diagnostics& out);

/// "FILE:LINE:COLUMN: path: message (hint)", the form in which every mistake is printed.
[[nodiscard]] std::string format(const std::string& file, const protocol::diagnostic& mistake);

}  // namespace duplexd::config
