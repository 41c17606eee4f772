// What a module's writer gets from the daemon.
#include <boost/asio/io_context.hpp>
#include <cstdlib>

#include "daemon/output/module_writer.hpp"
#include "daemon/runtime/clock.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

/// Asks the host for the password, fails with it, and has each record refused.
class asking_writer final : public event_writer {
 public:
  asking_writer(const config::output_settings& settings, module_host& host)
      : password_(settings.url), host_(host) {}
  progress write(const record_batch& records) override {
    std::string error;
    const auto password = host_.resolve(password_, error);
    if (!password) return {.failed = error};
    const std::string why = "no: " + *password;
    for (std::size_t i = 0; i < records.size(); ++i)
      if (const std::string failed = host_.keep_refused(records[i], why); !failed.empty())
        return {.failed = failed};
    return {.written = records.size(),
            .refused = records.size(),
            .refusal = why,
            .is_kept = host_.keeps_refused()};
  }

 private:
  config::text_template password_;
  module_host& host_;
};

const output_module asking{{module_interface, DUPLEXD_VERSION},
                           [](const config::output_settings& settings, module_host& host) -> event_writer* {
                             return new asking_writer(settings, host);
                           },
                           nullptr};

/// Keeps the texts that it gets, or fails.
class keeping_writer final : public event_writer {
 public:
  keeping_writer(std::string& into, bool works) : into_(into), works_(works) {}
  progress write(const record_batch& records) override {
    if (!works_) return {.failed = "full"};
    for (std::size_t i = 0; i < records.size(); ++i) into_ += records[i].text;
    return {.written = records.size()};
  }

 private:
  std::string& into_;
  bool works_;
};

struct desk {
  boost::asio::io_context loop;
  steady_clock time{loop.get_executor()};
  config::output_settings settings{.name = "o", .type = config::output_type::postgres};
  std::string kept;
  bool is_there = true;
  desk() {
    settings.url = config::text_template{"${env:DUPLEXD_TEST_PASSWORD}"};
    ::setenv("DUPLEXD_TEST_PASSWORD", "s3cret", 1);  // NOLINT(concurrency-mt-unsafe)
  }
  module_writer writer(std::unique_ptr<event_writer> refused) {
    return {
        settings, time,
        [this] { return is_there ? loaded_module{&asking, {}} : loaded_module{nullptr, "it is missing"}; },
        std::move(refused)};
  }
};

}  // namespace

TEST_CASE("a module's errors and dead letters show no secret", "[module]") {
  desk d;
  auto writer = d.writer(std::make_unique<keeping_writer>(d.kept, true));
  const auto made = writer.write(batch_of({R"({"n":1})"}));
  CHECK(made.written == 1);
  CHECK(made.refused == 1);
  CHECK(made.refusal == "no: ***");
  CHECK(made.is_kept);
  CHECK(d.kept == std::string(R"({"time":")") + some_time +
                      R"(","session":"s","reply":"tick","refused":"no: ***","data":{"n":1}})" + "\n");
}

TEST_CASE("dead letters that cannot be written are a failure, without a file they are none", "[module]") {
  desk d;
  auto failing = d.writer(std::make_unique<keeping_writer>(d.kept, false));
  const auto made = failing.write(batch_of({"1"}));
  CHECK(made.written == 0);
  CHECK(made.failed == "dead letters: full");
  auto without = d.writer(nullptr);
  const auto lost = without.write(batch_of({"1"}));
  CHECK(lost.refused == 1);
  CHECK_FALSE(lost.is_kept);
}

TEST_CASE("a reference without a value is a failure, and so is a missing module, until it is there",
          "[module]") {
  desk d;
  d.is_there = false;
  auto writer = d.writer(nullptr);
  CHECK(writer.write(batch_of({"1"})).failed == "it is missing");
  CHECK(writer.find_place("j").failed == "it is missing");
  d.is_there = true;
  ::unsetenv("DUPLEXD_TEST_PASSWORD");  // NOLINT(concurrency-mt-unsafe)
  CHECK(writer.write(batch_of({"1"})).failed.find("DUPLEXD_TEST_PASSWORD") != std::string::npos);
  ::setenv("DUPLEXD_TEST_PASSWORD", "s3cret", 1);  // NOLINT(concurrency-mt-unsafe)
  CHECK(writer.write(batch_of({"1"})).written == 1);
}
