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
    note_closes();
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

  [[nodiscard]] std::optional<close_reason> close_sent() const override { return link_->close_sent(); }
  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return link_->ended(); }
  [[nodiscard]] std::string_view subprotocol() const noexcept override { return link_->subprotocol(); }
  [[nodiscard]] clock::time_point last_heard() const noexcept override { return link_->last_heard(); }

  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() const noexcept override {
    return link_->round_trip();
  }

  [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_end() const override {
    return link_->certificate_end();
  }

  asio::awaitable<void> finish(std::chrono::milliseconds limit) override {
    note_end();
    return link_->finish(limit);
  }

 private:
  // The peer's close frame, and the link's own: its answer, or what it has to say to a peer that breaks
  // rules.
  void note_closes() {
    const auto& end = link_->ended();
    if (!end || std::exchange(closes_noted_, true)) return;
    if (end->closed) to_.close(session_, capture_way::in, *end->closed);
    if (closing_) return;
    if (end->closed) closed_first_ = closed_by_server(*end->closed);
    if (const auto sent = link_->close_sent()) to_.close(session_, capture_way::out, *sent);
  }

  void note_end() {
    if (std::exchange(end_noted_, true)) return;
    note_closes();
    const auto& end = link_->ended();
    const std::optional<fault>& failed = end && end->failed ? end->failed : closed_first_;
    to_.ended(session_, failed ? &*failed : nullptr);
  }

  std::unique_ptr<transport> link_;
  recorder& to_;
  const std::string& session_;
  bool closing_ = false;               ///< our close frame is out: nothing follows it
  std::optional<fault> closed_first_;  ///< set if the peer closed before us
  bool closes_noted_ = false;
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
