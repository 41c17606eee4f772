#pragma once

#include <string_view>

namespace duplexd::config {

/// Is told every value that a reference to the outside (env, file, credential) stood for, and what functions
/// made of it, whoever read it and for whatever: a recorder can leave out only what it knows.
class secret_watch {
 public:
  secret_watch() = default;
  secret_watch(const secret_watch&) = delete;
  secret_watch& operator=(const secret_watch&) = delete;
  virtual ~secret_watch() = default;

  /// Called while a template is resolved, on its caller's thread. Must not throw.
  virtual void take(std::string_view value) = 0;
};

/// From now on `watch` is told; null: nobody. There is one for the process; returns the one before.
secret_watch* set_secret_watch(secret_watch* watch) noexcept;

void tell_secret_watch(std::string_view value);

}  // namespace duplexd::config
