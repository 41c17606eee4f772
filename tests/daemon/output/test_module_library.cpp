// Modules that are there, are missing, or are something else.
#include <unistd.h>

#include <fstream>

#include "daemon/output/module_library.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

struct folder {
  fs::path path = fs::temp_directory_path() / ("duplexd-test-modules-" + std::to_string(::getpid()));
  folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~folder() { fs::remove_all(path); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
};

const std::string to_do = std::string("install the package duplexd-postgres of version ") + DUPLEXD_VERSION;

}  // namespace

TEST_CASE("a module is loaded from the first folder that has it", "[module]") {
  for (const char* name : {"mqtt", "nats", "postgres"}) {
    const loaded_module found = load_module(name, {"/nowhere", DUPLEXD_MODULES});
    REQUIRE(found.error == "");
    REQUIRE(found.module != nullptr);
    CHECK(found.module->head.interface == module_interface);
    CHECK(found.module->head.version == std::string(DUPLEXD_VERSION));
  }
}

TEST_CASE("a missing module: where it was looked for, and what to install", "[module]") {
  CHECK(load_module("postgres", {"/nowhere"}).error ==
        "there is no duplexd-postgres.so in /nowhere: " + to_do);
}

TEST_CASE("what is no module is refused", "[module]") {
  const folder here;
  const fs::path file = here.path / "duplexd-postgres.so";
  std::ofstream(file) << "text";
  const std::string broken = load_module("postgres", {here.path}).error;
  CHECK_THAT(broken, Contains("duplexd-postgres.so") && Contains(to_do));
  CHECK_THAT(load_module("library", {DUPLEXD_ODD_MODULES}).error, Contains("this is no module of duplexd"));
}

TEST_CASE("a module of another version is refused", "[module]") {
  for (const char* which : {"interface", "version"}) {
    const loaded_module found = load_module(which, {DUPLEXD_ODD_MODULES});
    CHECK(found.module == nullptr);
    CHECK_THAT(found.error,
               Contains("it was made for duplexd") && Contains(std::string("this is ") + DUPLEXD_VERSION));
  }
}

TEST_CASE("which outputs are modules", "[module]") {
  CHECK(module_of(config::output_type::postgres) == "postgres");
  CHECK(module_of(config::output_type::mqtt) == "mqtt");
  CHECK(module_of(config::output_type::nats) == "nats");
  CHECK(module_of(config::output_type::sqlite) == std::nullopt);
}
