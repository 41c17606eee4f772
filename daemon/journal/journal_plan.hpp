#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace duplexd {

/// What the journal decides, without doing it. Pure.
namespace journal_plan {

using time_point = std::chrono::steady_clock::time_point;

/// How long events are gathered for one commit, and how many bytes are enough for one.
inline constexpr std::chrono::milliseconds commit_interval{5};
inline constexpr std::size_t commit_bytes = 1u << 20;
/// How long an output's place may wait for a commit if no events come.
inline constexpr std::chrono::milliseconds place_interval{100};

/// What waits for the thread.
struct waiting_work {
  std::size_t bytes = 0;   ///< of events
  bool places = false;     ///< some output has taken more than the file says, or a variable was set
  time_point committed{};  ///< when the last commit began
  bool failing = false;    ///< the last one failed, or had no room
  time_point retry{};      ///< then: when it is tried again
};

/// When the next commit is due; empty: there is nothing to commit.
[[nodiscard]] inline std::optional<time_point> commit_due(const waiting_work& work) {
  if (work.bytes == 0 && !work.places) return std::nullopt;
  if (work.failing) return work.retry;
  if (work.bytes >= commit_bytes) return work.committed;
  return work.committed + (work.bytes > 0 ? commit_interval : place_interval);
}

/// The oldest row of one output.
struct oldest_row {
  std::uint64_t first = 0;
  bool passed = false;  ///< its output has taken it
  bool orphan = false;  ///< its output is not durable any more
};

/// Which of them makes room first: what was taken, then what nobody will take, then, if that is allowed, what
/// is oldest.
[[nodiscard]] inline std::optional<std::size_t> row_to_drop(const std::vector<oldest_row>& rows,
                                                            bool drops_oldest) {
  const auto rank = [](const oldest_row& row) { return row.passed ? 0 : row.orphan ? 1 : 2; };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rank(rows[i]) == 2 && !drops_oldest) continue;
    if (!best || rank(rows[i]) < rank(rows[*best]) ||
        (rank(rows[i]) == rank(rows[*best]) && rows[i].first < rows[*best].first))
      best = i;
  }
  return best;
}

/// How many free pages the file gives back: those beyond as many as are in use, so that a file that breathes
/// is not cut and grown again and again.
[[nodiscard]] inline std::uint64_t pages_to_free(std::uint64_t pages, std::uint64_t free) {
  const std::uint64_t used = pages - std::min(pages, free);
  constexpr std::uint64_t spare = 1024;
  return free > used + spare ? free - used - spare : 0;
}

/// The number after which an output goes on. A target that keeps its place itself is right, unless it knows
/// numbers that the journal never gave: then the journal's file is older than the target (a copy that was put
/// back), and those numbers mean other events by now.
[[nodiscard]] inline std::uint64_t resume_after(std::uint64_t journal_place, bool target_keeps_place,
                                                std::uint64_t target_place, std::uint64_t last_given) {
  return target_keeps_place && target_place <= last_given ? target_place : journal_place;
}

}  // namespace journal_plan

}  // namespace duplexd
