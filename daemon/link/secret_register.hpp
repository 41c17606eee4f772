#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret_watch.hpp"

namespace duplexd {

/// Remembers what references stood for, so that the log and a capture can leave it out, and finds it again in
/// what was made from it: as it is, as in JSON (with and without \u escapes), percent-encoded, as hex, as
/// base64. While it lives it is the process's secret watch. Any thread.
class secret_register final : public config::secret_watch {
 public:
  secret_register() : before_(config::set_secret_watch(this)) {}
  ~secret_register() override { config::set_secret_watch(before_); }

  /// A shorter value would be found everywhere: it is masked only where it is known to have been used.
  static constexpr std::size_t shortest = 3;
  /// So many values are remembered; then the oldest is forgotten.
  static constexpr std::size_t capacity = 256;

  enum class scope : std::uint8_t { long_enough, all };

  void take(std::string_view value) override;

  /// Replaces every secret in `text` by `***`. Returns whether there was one.
  bool mask(std::string& text, scope which = scope::long_enough) const;

  /// Whether a secret is in `bytes`.
  [[nodiscard]] bool in(std::string_view bytes) const;

 private:
  struct spelling {
    std::string text;
    bool long_enough;
  };
  void spell() const;

  config::secret_watch* before_;
  mutable std::mutex mutex_;
  std::deque<std::string> values_;           ///< the oldest first
  mutable std::vector<spelling> spellings_;  ///< the longest first: one secret may be part of another
  mutable bool spelled_ = true;              ///< false: values have come since
};

}  // namespace duplexd
