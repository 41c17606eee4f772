// The step of a flow that makes a key from a password.
#include <fmt/format.h>

#include <functional>

#include "config/reference/key_derivation.hpp"
#include "daemon/session/script/flow.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

constexpr std::size_t largest_part = 4096;  // bytes of a password and of a salt: many may wait

/// What is calculated on another thread.
struct derivation {
  config::key_digest digest{};
  std::string password;
  std::string salt;
  std::uint32_t iterations = 0;
  std::optional<std::string> key{};
};

}  // namespace

asio::awaitable<flow_result> flow::execute(const config::pbkdf2_step& step) {
  const auto failed = [this](const std::string& why) {
    return flow_result{.failed = mishap("pbkdf2: " + why)};
  };
  if (shared_.context.beside == nullptr) co_return failed("nothing is calculated here");
  auto password = step.password.resolve(this);
  if (!password) co_return failed(password.error);
  auto salt = step.salt.resolve(this);
  if (!salt) co_return failed(salt.error);
  if (password.value.size() > largest_part || salt.value.size() > largest_part)
    co_return failed(fmt::format("a password and a salt have at most {} bytes", largest_part));
  const auto count = step.iterations.resolve(this);
  if (!count) co_return failed(count.error);
  const std::uint32_t most = shared_.limits.kdf_iterations;
  const auto iterations = config::iteration_count(count.value, most);
  if (!iterations)
    co_return failed(fmt::format("'iterations' is not a number from 1 to {} (limits.kdf_iterations)", most));
  const auto work = std::make_shared<derivation>(
      derivation{step.digest, std::move(password.value), std::move(salt.value), *iterations});
  std::function<void()> calculate = [work] {
    work->key = config::pbkdf2(work->digest, work->password, work->salt, work->iterations);
  };
  const bool done = co_await shared_.context.beside->run(std::move(calculate));
  if (!done) co_return flow_result{};
  const auto key = std::move(work->key);
  if (!key) co_return failed("OpenSSL refuses it");
  std::string hex;
  protocol::append_hex(hex, {reinterpret_cast<const std::uint8_t*>(key->data()), key->size()});
  co_return flow_result{.result = std::move(hex)};
}

}  // namespace duplexd
