#pragma once

#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/record_text.hpp"

namespace duplexd {

/// Sends each record as one datagram: by UDP to a peer, or to a Unix-domain socket of this machine. What is
/// too large for one is refused.
class datagram_writer final : public event_writer {
 public:
  /// `passes_files`: what is too large for a datagram goes as a file in memory whose descriptor is passed, as
  /// journald takes it.
  datagram_writer(const config::output_settings& settings, record_text text, bool passes_files = false);
  ~datagram_writer() override;

  [[nodiscard]] progress write(const record_batch& records) override;
  /// The peer's name is looked up again.
  void tidy() override { close(); }

  /// How long a socket of this machine may be full before that is a failure.
  static constexpr int seconds_for_room = 5;

 private:
  /// Why there is no socket; empty: there is one.
  [[nodiscard]] std::string open();
  [[nodiscard]] std::string open_peer();
  [[nodiscard]] std::string open_local();
  void close() noexcept;
  /// An errno; 0: it was sent.
  [[nodiscard]] int send(std::string_view text);
  [[nodiscard]] int send_as_file(std::string_view text);
  [[nodiscard]] std::string where() const;

  config::output_settings settings_;
  record_text text_;
  bool passes_files_;
  int handle_ = -1;
};

}  // namespace duplexd
