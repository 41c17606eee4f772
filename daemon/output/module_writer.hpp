#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/module_library.hpp"
#include "daemon/output/outside_references.hpp"

namespace duplexd {

/// A writer whose kind is a module, which is loaded when it is used first. One that is missing is looked for
/// again at each attempt.
class module_writer final : public event_writer, private module_host {
 public:
  using loader = std::function<loaded_module()>;
  /// `refused` takes what the target refuses for good; null: it is dropped.
  module_writer(const config::output_settings& settings, const clock& time, loader load,
                std::unique_ptr<event_writer> refused);

  [[nodiscard]] progress write(const record_batch& records) override;
  void tidy() override;
  [[nodiscard]] target_place find_place(const std::string& journal) override;
  [[nodiscard]] bool wants_values() const noexcept override;

 private:
  /// Why it cannot be loaded; empty: it is.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::optional<std::string> resolve(const config::text_template& text,
                                                   std::string& error) override {
    return references_.resolve(text, error);
  }
  [[nodiscard]] bool keeps_refused() const noexcept override { return refused_ != nullptr; }
  [[nodiscard]] std::string keep_refused(const record_batch::record& refused,
                                         const std::string& why) override;

  config::output_settings settings_;
  loader load_;
  outside_references references_;
  std::unique_ptr<event_writer> refused_;
  std::unique_ptr<event_writer> writer_;
};

}  // namespace duplexd
