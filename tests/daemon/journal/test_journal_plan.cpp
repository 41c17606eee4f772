// What the journal decides.
#include "daemon/journal/journal_plan.hpp"
#include "tests/catch.hpp"

using namespace duplexd::journal_plan;
using namespace std::chrono_literals;

TEST_CASE("a commit is due after some milliseconds or for enough bytes", "[journal]") {
  const time_point start{1h};
  waiting_work work{.committed = start};
  CHECK_FALSE(commit_due(work));
  work.places = true;
  CHECK(commit_due(work) == start + place_interval);
  work.bytes = 1;
  CHECK(commit_due(work) == start + commit_interval);
  work.bytes = commit_bytes - 1;
  CHECK(commit_due(work) == start + commit_interval);
  work.bytes = commit_bytes;
  CHECK(commit_due(work) == start);
  work.failing = true;
  work.retry = start + 3s;
  CHECK(commit_due(work) == start + 3s);
}

TEST_CASE("room is made of what was taken, of what nobody takes, and then as it is allowed", "[journal]") {
  const oldest_row wanted{.first = 1};
  const oldest_row newer{.first = 2};
  const oldest_row orphan{.first = 8, .orphan = true};
  const oldest_row passed{.first = 9, .passed = true};
  const oldest_row both{.first = 7, .passed = true, .orphan = true};
  CHECK(row_to_drop({wanted, newer, orphan, passed}, true) == 3);
  CHECK(row_to_drop({wanted, passed, both}, false) == 2);
  CHECK(row_to_drop({wanted, newer, orphan}, false) == 2);
  CHECK(row_to_drop({newer, wanted}, true) == 1);
  CHECK_FALSE(row_to_drop({wanted, newer}, false));
  CHECK_FALSE(row_to_drop({}, true));
}

TEST_CASE("free pages are given back beyond as many as are used", "[journal]") {
  CHECK(pages_to_free(0, 0) == 0);
  CHECK(pages_to_free(3000, 1000) == 0);
  CHECK(pages_to_free(3000, 2012) == 0);
  CHECK(pages_to_free(3000, 2013) == 2);
  CHECK(pages_to_free(100'000, 99'990) == 98'956);
}

TEST_CASE("an output goes on where its target is, if that can be", "[journal]") {
  CHECK(resume_after(5, false, 0, 9) == 5);
  CHECK(resume_after(5, true, 7, 9) == 7);
  CHECK(resume_after(5, true, 3, 9) == 3);
  CHECK(resume_after(5, true, 9, 9) == 9);
  CHECK(resume_after(5, true, 10, 9) == 5);
}
