// What is left of the journal after a power cut: what was synced, and nothing else.
#include "tests/daemon/journal/journal_place.hpp"
#include "tests/daemon/journal/power_cut_vfs.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

/// Commits many times and cuts the power after each commit: how many records are missing then, at most.
std::uint64_t missing_after_cuts(const char* synchronous) {
  journal_place at;
  power_cut_vfs disk;
  at.how.vfs = power_cut_vfs::name;
  at.how.synchronous = synchronous;
  journal_file::options after = at.how;
  after.vfs = nullptr;
  after.settings.file = (at.path / "after" / "j.db").string();
  const auto made = at.open();
  std::uint64_t missing = 0;
  for (std::uint64_t n = 1; n <= 40; ++n) {
    // Enough for checkpoints and for rows that are deleted in between.
    put(*made, {row_of(n, n, "o", noise(n % 7 == 0 ? 3'000'000 : 500))},
        n % 5 == 0 ? journal_file::places{{"o", n - 4}} : journal_file::places{});
    fs::remove_all(at.path / "after");
    fs::create_directories(at.path / "after");
    for (const auto& [path, content] : disk.synced)
      write_file(at.path / "after" / fs::path(path).filename(), content);
    const auto left = journal_file::open(after, some_day);
    REQUIRE(left.file != nullptr);
    CHECK(left.moved_to.empty());
    missing = std::max(missing, n - left.file->last());
    const auto found = numbers(*left.file);
    CHECK((found.empty() ? left.file->last() : found.back()) == left.file->last());
  }
  return missing;
}

}  // namespace

TEST_CASE("after a power cut everything that was committed is there", "[journal]") {
  CHECK(missing_after_cuts("FULL") == 0);
}

// So the test above would find it.
TEST_CASE("with synchronous=NORMAL a power cut would cost what was committed", "[journal]") {
  CHECK(missing_after_cuts("NORMAL") > 0);
}
