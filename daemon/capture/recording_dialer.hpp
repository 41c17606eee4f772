#pragma once

#include <string>

#include "daemon/capture/recorder.hpp"
#include "daemon/link/dialer.hpp"

namespace duplexd {

/// A dialer whose links are recorded as one session's. Everything given outlives it and its links.
class recording_dialer final : public dialer {
 public:
  recording_dialer(dialer& links, recorder& to, std::string session)
      : links_(links), to_(to), session_(std::move(session)) {}

  asio::awaitable<dial_result> dial(dial_request request) override;

 private:
  dialer& links_;
  recorder& to_;
  std::string session_;
};

}  // namespace duplexd
