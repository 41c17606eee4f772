#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/module/nats/nats_reception.hpp"
#include "daemon/output/broker_receiver.hpp"

namespace duplexd {

/// Receives commands from the subject of a NATS server. It keeps nothing for those that are not there: who
/// must know asks (request and reply), and asks again with the same id.
class nats_receiver final : public broker_receiver {
 public:
  /// `references` outlives this.
  nats_receiver(const config::output_settings& settings, reference_reader& references)
      : line_(settings, references) {}

  [[nodiscard]] received receive() override;
  void wake() noexcept override { line_.wake(); }
  bool acknowledge(const std::vector<bool>& /*accepted*/) override { return false; }
  [[nodiscard]] std::string answer(const std::string& to, const std::string& /*correlation*/,
                                   std::string_view text) override {
    return line_.answer(to, text, [this](const auto& into) { return listen(into); });
  }
  void rest() noexcept override {}

 private:
  [[nodiscard]] std::string listen(const std::shared_ptr<nats_inbox>& into);

  nats_reception line_;
  std::uint64_t lost_ = 0;  ///< of this connection, told
};

}  // namespace duplexd
