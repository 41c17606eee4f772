#include "daemon/simulate/simulated_pages.hpp"
#include "tests/catch.hpp"

using duplexd::net::is_path;

TEST_CASE("anything may stand for what a path leaves unknown", "[simulate]") {
  struct row {
    const char* path;
    const char* pattern;
    bool fits;
  };
  for (const row& each : {row{"/a", "/a", true},
                          {"/a", "/ab", false},
                          {"/a/7", "/a/-unknown-", true},
                          {"/a/", "/a/-unknown-", true},
                          {"/a", "/a/-unknown-", false},
                          {"/7/b", "/-unknown-/b", true},
                          {"/7/c", "/-unknown-/b", false},
                          {"/1/b/2/b", "/-unknown-/b", true},
                          {"/1/b/2", "/-unknown-/b/-unknown-", true},
                          {"/1/b/b/2/c", "/-unknown-/b/-unknown-/c", true},
                          {"/1/c/2/b", "/-unknown-/b/-unknown-/c", false},
                          {"/b", "/-unknown-b-unknown-b", false},
                          {"/b/b", "/-unknown-b-unknown-b", true}}) {
    INFO(each.path << " " << each.pattern);
    CHECK(is_path(each.path, each.pattern) == each.fits);
  }
}
