#pragma once

#include "config/reference/scope.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// What references of an output stand for: nothing but secrets from outside.
class outside_scope final : public config::scope {
 public:
  outside_scope(const clock& time, secret_holder& secrets) : time_(time), secrets_(secrets) {}
  [[nodiscard]] const nlohmann::ordered_json* variable(std::string_view /*name*/) const override {
    return nullptr;
  }
  [[nodiscard]] const nlohmann::ordered_json* reply() const override { return nullptr; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return time_.wall(); }
  [[nodiscard]] std::uint64_t count(std::string_view /*name*/) override { return 0; }
  void take_secret(std::string_view value, config::secret_origin from) override {
    secrets_.take(value, from);
  }

 private:
  const clock& time_;
  secret_holder& secrets_;
};

}  // namespace duplexd
