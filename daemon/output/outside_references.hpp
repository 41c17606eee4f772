#pragma once

#include <optional>
#include <string>
#include <utility>

#include "daemon/event/secret_index.hpp"
#include "daemon/output/output_module.hpp"
#include "daemon/output/outside_scope.hpp"

namespace duplexd {

/// References of an output that works beside the loop, with an index of its secrets of its own.
class outside_references final : public reference_reader {
 public:
  explicit outside_references(const clock& time) : scope_(time, secrets_) {}

  [[nodiscard]] std::optional<std::string> resolve(const config::text_template& text,
                                                   std::string& error) override {
    auto made = text.resolve(&scope_);
    if (made) return std::move(made.value);
    error = std::move(made.error);
    return std::nullopt;
  }
  /// Masks what was resolved.
  void mask(std::string& text) { (void)index_.mask(text, secret_index::scope::all); }

 private:
  secret_index index_;
  secret_holder secrets_{index_};
  outside_scope scope_;
};

}  // namespace duplexd
