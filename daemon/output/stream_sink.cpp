#include "daemon/output/stream_sink.hpp"

#include <optional>
#include <utility>
#include <variant>

#include "daemon/output/certificate_files.hpp"
#include "daemon/output/outside_scope.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

stream_sink::stream_sink(const output_context& context, const config::output_settings& settings,
                         record_text text)
    : context_(context), settings_(settings), text_(std::move(text)), secrets_(context.secrets) {}

/// Why there is no connection; empty: there is one, or we were cancelled.
asio::awaitable<std::string> stream_sink::connect() {
  server_request to;
  to.address = settings_.address;
  to.address.secure = settings_.tls;
  secrets_.begin_attempt([](std::string_view) { return false; });
  outside_scope scope{context_.time, secrets_};
  std::string unknown = resolve_certificates(settings_, scope, to);
  if (!unknown.empty()) co_return unknown;
  auto work = context_.streams.open(std::move(to));
  auto opened = co_await std::move(work);
  const bool given_up = co_await cancelled();
  if (given_up) co_return std::string{};
  if (const auto* failed = std::get_if<fault>(&opened)) co_return text_of(*failed);
  stream_ = std::get<std::unique_ptr<sending_stream>>(std::move(opened));
  co_return std::string{};
}

asio::awaitable<record_sink::progress> stream_sink::write(const record_batch& records) {
  progress made;
  const bool stopped = co_await cancelled();
  if (stopped) co_return made;
  if (stream_ != nullptr && !stream_->end_cause().empty()) stream_.reset();
  if (stream_ == nullptr) made.failed = co_await connect();
  if (stream_ == nullptr) co_return made;
  std::string bytes;
  std::size_t count = 0;
  while (count < records.size() && bytes.size() < at_once) bytes += text_(records[count++]);
  auto work = stream_->send(std::move(bytes), settings_.timeout);
  std::string failed = co_await std::move(work);
  if (failed.empty()) {
    made.written = count;
    co_return made;
  }
  stream_.reset();
  const bool given_up = co_await cancelled();
  if (!given_up) made.failed = config::host_port_text(settings_.address) + ": " + failed;
  co_return made;
}

}  // namespace duplexd
