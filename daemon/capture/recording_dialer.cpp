#include "daemon/capture/recording_dialer.hpp"

#include <utility>

namespace duplexd {

namespace {

/// Passes everything on and writes down what went by.
class recording_link final : public transport {
 public:
  recording_link(std::unique_ptr<transport> link, recorder& to, const std::string& session)
      : link_(std::move(link)), to_(to), session_(session) {
    to_.opened(session_);
  }
  ~recording_link() override { note_end(); }
  recording_link(const recording_link&) = delete;
  recording_link& operator=(const recording_link&) = delete;

  asio::awaitable<void> wait_readable() override { return link_->wait_readable(); }

  bool next(protocol::frame_view& out) override {
    if (link_->next(out)) {
      to_.message(session_, capture_way::in, out);
      return true;
    }
    note_close();
    return false;
  }

  [[nodiscard]] bool end_is_next() const noexcept override { return link_->end_is_next(); }

  // What the link ignores did not happen.
  void put(protocol::frame_view message) override {
    if (!closing_ && !link_->ended()) to_.message(session_, capture_way::out, message);
    link_->put(message);
  }

  void put_ping() override { link_->put_ping(); }
  [[nodiscard]] std::size_t unsent() const noexcept override { return link_->unsent(); }
  [[nodiscard]] send_progress sending() const noexcept override { return link_->sending(); }
  asio::awaitable<void> wait_sent() override { return link_->wait_sent(); }

  void close(const close_reason& reason) override {
    if (!closing_ && !link_->ended()) to_.close(session_, capture_way::out, reason);
    closing_ = true;
    link_->close(reason);
  }

  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return link_->ended(); }
  [[nodiscard]] std::string_view subprotocol() const noexcept override { return link_->subprotocol(); }
  [[nodiscard]] clock::time_point last_heard() const noexcept override { return link_->last_heard(); }

  asio::awaitable<void> finish(std::chrono::milliseconds limit) override {
    note_end();
    return link_->finish(limit);
  }

 private:
  void note_close() {
    if (close_noted_ || !link_->ended() || !link_->ended()->closed) return;
    close_noted_ = true;
    const close_reason& closed = *link_->ended()->closed;
    to_.close(session_, capture_way::in, closed);
    if (!closing_)
      to_.close(session_, capture_way::out, {.code = closed.code, .text = {}});  // the link's answer
  }

  void note_end() {
    if (std::exchange(end_noted_, true)) return;
    note_close();
    const auto& end = link_->ended();
    to_.ended(session_, end && end->failed ? &*end->failed : nullptr);
  }

  std::unique_ptr<transport> link_;
  recorder& to_;
  const std::string& session_;
  bool closing_ = false;  ///< our close frame is out: nothing follows it
  bool close_noted_ = false;
  bool end_noted_ = false;
};

}  // namespace

asio::awaitable<dial_result> recording_dialer::dial(dial_request request) {
  auto result = co_await links_.dial(std::move(request));
  if (auto* link = std::get_if<std::unique_ptr<transport>>(&result))
    *link = std::make_unique<recording_link>(std::move(*link), to_, session_);
  co_return result;
}

}  // namespace duplexd
