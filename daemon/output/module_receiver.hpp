#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/module_library.hpp"
#include "daemon/output/outside_references.hpp"

namespace duplexd {

/// A receiver whose kind is a module, which is loaded when it is used first. One that is missing is looked
/// for again at each attempt.
class module_receiver final : public broker_receiver {
 public:
  using loader = std::function<loaded_module()>;
  module_receiver(const config::output_settings& settings, const clock& time, loader load);

  [[nodiscard]] received receive() override;
  void wake() noexcept override;
  bool acknowledge(const std::vector<bool>& accepted) override;
  [[nodiscard]] std::string answer(const std::string& to, const std::string& correlation,
                                   std::string_view text) override;
  [[nodiscard]] std::string flush() override;
  void stop() override;
  void rest() noexcept override;

 private:
  config::output_settings settings_;
  loader load_;
  outside_references references_;
  std::mutex mutex_;  ///< of the pointer, for `wake`
  std::unique_ptr<broker_receiver> receiver_;
};

}  // namespace duplexd
