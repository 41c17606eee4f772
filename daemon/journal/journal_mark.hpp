#pragma once

#include <cstdint>
#include <string>

namespace duplexd {

/// What SQLite's header says of a journal (application_id): "dux2", the last being the number of its format.
/// The first format did not compress records; it is read as it is, and becomes the second when it is opened.
inline constexpr std::int64_t journal_mark = 0x64757832;
inline constexpr std::int64_t first_journal_mark = 0x64757831;

/// What is wrong with the mark of a database that is said to be a journal; empty: it is one. Pure.
[[nodiscard]] inline std::string journal_mark_mistake(std::int64_t mark) {
  if (mark == journal_mark || mark == first_journal_mark) return {};
  if ((mark >> 8) == (journal_mark >> 8) && mark > journal_mark)
    return "a newer version of duplexd made it; use that version, or give the journal another path";
  return "it is a database, but no journal of duplexd; give the journal another path";
}

}  // namespace duplexd
