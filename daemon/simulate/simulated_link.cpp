#include "daemon/simulate/simulated_link.hpp"

#include <utility>

#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

constexpr std::size_t messages_at_once = 256;
constexpr std::size_t most_unsent = 1024 * 1024;
constexpr std::chrono::milliseconds end_limit{2000};

}  // namespace

simulated_link::simulated_link(std::unique_ptr<transport> link,
                               std::vector<const simulated_session*> candidates, log_function log,
                               loop_executor loop)
    : link_(std::move(link)),
      candidates_(std::move(candidates)),
      log_(std::move(log)),
      loop_(std::move(loop)) {}

asio::awaitable<void> simulated_link::serve() {
  for (const auto* each : candidates_) {
    if (!each->has_login() && session_ == nullptr) accept(*each);
  }
  protocol::frame_view message;
  while (!link_->ended()) {
    co_await link_->wait_readable();
    for (std::size_t i = 0; i < messages_at_once && link_->next(message); ++i) handle(message);
    if (link_->unsent() > most_unsent) co_await link_->wait_sent();  // whoever does not read is not read from
  }
  pushes_.clear();
  say_end();
  co_await link_->finish(end_limit);
}

void simulated_link::close(std::uint16_t code, std::string text) {
  const close_reason reason{.code = code, .text = std::move(text)};
  link_->close(reason);
}

void simulated_link::handle(protocol::frame_view message) {
  if (session_ == nullptr) return handle_login(message);
  if (!commands_)
    return say("a message of " + std::to_string(message.bytes.size()) + " bytes, no protocol to read it");
  commands_->begin(message);
  protocol::packet command;
  while (commands_->next(command)) {
    const auto reaction = session_->react(command);
    say(reaction.line);
    for (const auto& reply : reaction.replies) send(reply);
  }
}

void simulated_link::handle_login(protocol::frame_view message) {
  if (candidates_.empty()) return;  // rejected already
  std::string why;
  for (const auto* each : candidates_) {
    const auto refusal = each->refuse_login(message);
    if (!refusal) {
      accept(*each);
      return say("login ok");
    }
    why += (why.empty() ? "" : "; ") + each->settings().name + ": " + *refusal;
    if (why.size() > 1000) break;
  }
  say("login rejected: " + why);
  candidates_.clear();
  close(1008, "login rejected");
}

void simulated_link::accept(const simulated_session& session) {
  session_ = &session;
  const auto& settings = session.settings();
  if (settings.protocol) {
    commands_ = std::make_unique<protocol::packet_reader>(settings.protocol, protocol::direction::command);
  }
  for (const auto& reply : session.greet()) send(reply);
  for (const auto& rule : settings.simulate.pushes) {
    pushes_.push_back(std::make_unique<loop_timer>(loop_));
    schedule(rule, rule.after, pushes_.size() - 1);
  }
}

void simulated_link::schedule(const config::simulate_push& rule, std::chrono::milliseconds delay,
                              std::size_t clock) {
  pushes_[clock]->expires_after(delay);
  pushes_[clock]->async_wait([weak = weak_from_this(), &rule, clock](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->link_->ended() || clock >= self->pushes_.size()) return;
    if (self->link_->unsent() <= most_unsent) {
      const auto reply = self->session_->push(rule);
      self->say("push " + reply.name);
      self->send(reply);
    }
    if (rule.every.count() > 0) self->schedule(rule, rule.every, clock);
  });
}

void simulated_link::send(const simulated_reply& reply) {
  if (!reply.error.empty()) return say("cannot send " + reply.name + ": " + reply.error);
  const protocol::frame_view message{.kind = reply.kind, .bytes = reply.bytes};
  link_->put(message);
}

void simulated_link::say(std::string_view what) const {
  const std::string who = session_ != nullptr ? session_->settings().name : "before login";
  log_(who + ": " + std::string(what));
}

void simulated_link::say_end() const {
  const auto& end = link_->ended();
  if (end && end->failed) return say("link lost: " + end->failed->cause);
  if (end && end->closed)
    say("closed by the client: " + std::to_string(end->closed->code) +
        (end->closed->text.empty() ? "" : " " + protocol::printable(end->closed->text, 123)));
}

}  // namespace duplexd::net
