#pragma once

#include <string_view>
#include <vector>

#include "config/document/reading.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// Whether a section of the document defines parts by name: sessions, outputs, … These may stand in several
/// files.
[[nodiscard]] bool holds_named_parts(std::string_view section) noexcept;

/// Says of a document and all in it which file it came from.
void set_file(protocol::node& document, std::uint32_t file);

/// One document of those of several files, in their order, which is also that of the sessions. Sections that
/// hold named parts are joined; a name that is given twice is a mistake, and so is any other section that is.
/// `version` may stand in each and is the same in all; `x-` sections concern their own file only.
[[nodiscard]] protocol::node merge_documents(std::vector<protocol::node> parts, reading& in);

}  // namespace duplexd::config
