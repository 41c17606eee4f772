#pragma once

#include <memory>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/link/stream_dialer.hpp"
#include "daemon/output/output_context.hpp"
#include "daemon/output/record_sink.hpp"
#include "daemon/output/record_text.hpp"

namespace duplexd {

/// Sends records over one TCP connection, which is made when there is something to send and made again when
/// it has ended. A record is written when the peer's system has acknowledged it; what it has not goes again,
/// whole, over the next connection.
class stream_sink final : public record_sink {
 public:
  stream_sink(const output_context& context, const config::output_settings& settings, record_text text);

  asio::awaitable<progress> write(const record_batch& records) override;
  void close() noexcept override { stream_.reset(); }

  /// Bytes that are sent before an acknowledgement is awaited; one record alone may have more.
  static constexpr std::size_t at_once = std::size_t{256} << 10;

 private:
  asio::awaitable<std::string> connect();

  output_context context_;
  config::output_settings settings_;
  record_text text_;
  secret_holder secrets_;
  std::unique_ptr<sending_stream> stream_;
};

}  // namespace duplexd
