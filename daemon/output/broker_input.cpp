#include "daemon/output/broker_input.hpp"

#include <algorithm>
#include <utility>

#include "daemon/output/output_pauses.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

broker_input::broker_input(const output_context& context, const config::output_settings& settings,
                           std::unique_ptr<broker_receiver> receiver, taker take)
    : context_(context),
      settings_(settings),
      receiver_(std::move(receiver)),
      take_(std::move(take)),
      pauses_(output_pauses),
      changed_(context.loop),
      is_kept_(!settings.commands.stream.empty() ||
               (settings.type == config::output_type::mqtt && !settings.client_id.empty())),
      thread_(context.loop) {}

void broker_input::note(const command_news& news, const std::string& to, const std::string& correlation,
                        const std::shared_ptr<bool>& accepted) {
  if (news.is_accepted && !std::exchange(*accepted, true)) --unaccepted_;
  if (news.has_ended) {
    --unfinished_;
    if (!to.empty()) answers_.push_back({to, correlation, news.text});
    receiver_->wake();
  }
  changed_.notify();
}

asio::awaitable<void> broker_input::take(broker_receiver::message come) {
  std::string to = come.answer_to.empty() ? settings_.commands.answers : std::move(come.answer_to);
  ++unfinished_;
  ++unaccepted_;
  command_listener told = [this, to = std::move(to), correlation = std::move(come.correlation),
                           accepted = std::make_shared<bool>(false)](const command_news& news) {
    note(news, to, correlation, accepted);
  };
  line_input::line message{.number = ++number_,
                           .text = std::move(come.text),
                           .too_long = come.is_too_long,
                           .id = std::move(come.id)};
  std::string from = settings_.name;
  auto work = take_(std::move(from), std::move(message), std::move(told));
  co_await std::move(work);
}

// Before anything is published: behind what was received and not taken.
asio::awaitable<void> broker_input::let_go() {
  has_let_go_ = true;
  std::function<void()> work = [this] { receiver_->stop(); };
  co_await thread_.run(std::move(work));
}

// What cannot be published now is, with the next connection.
asio::awaitable<std::string> broker_input::publish() {
  std::string failed;
  std::size_t published = 0;
  std::deque<pending_answer> now = std::exchange(answers_, {});
  std::function<void()> work = [&] {
    for (const pending_answer& each : now) {
      failed = receiver_->answer(each.to, each.correlation, each.text);
      if (!failed.empty()) break;
      ++published;
    }
  };
  co_await thread_.run(std::move(work));
  now.erase(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(published));
  for (; !now.empty(); now.pop_back()) answers_.push_front(std::move(now.back()));
  co_return failed;
}

asio::awaitable<void> broker_input::pause(std::string why) {
  failed_ = std::move(why);
  const auto time = pauses_.next(context_.random());
  context_.log.record("", happening::commands_failed{settings_.name, failed_, time});
  const auto next = context_.time.now() + time;
  bool stopped = co_await cancelled();
  while (!stopped && !closing_ && context_.time.now() < next) {
    co_await changed_.wait_until(context_.time, next);
    stopped = co_await cancelled();
  }
}

asio::awaitable<void> broker_input::receive() {
  broker_receiver::received got;
  std::function<void()> work = [&] { got = receiver_->receive(); };
  co_await thread_.run(std::move(work));
  if (adds_tellably(lost_, got.lost))
    context_.log.record("", happening::commands_lost{settings_.name, lost_});
  bool stopped = co_await cancelled();
  if (stopping_) co_return;
  std::size_t taken = 0;
  while (taken < got.messages.size() && !stopped && !stopping_) {
    auto taking = take(std::move(got.messages[taken++]));
    co_await std::move(taking);
    stopped = co_await cancelled();
  }
  while (!stopped && !closing_ && unaccepted_ > 0) {
    co_await changed_.wait();
    stopped = co_await cancelled();
  }
  if (stopped || unaccepted_ > 0 || taken < got.messages.size()) co_return;
  if (!got.failed.empty()) {
    auto pausing = pause(std::move(got.failed));
    co_await std::move(pausing);
    co_return;
  }
  if (!std::exchange(failed_, "").empty())
    context_.log.record("", happening::commands_recovered{settings_.name});
  pauses_.reset();
  if (got.messages.empty()) co_return;
  std::function<void()> acknowledge = [this] { receiver_->acknowledge(); };
  co_await thread_.run(std::move(acknowledge));
}

asio::awaitable<void> broker_input::wait_for_room() {
  constexpr std::chrono::seconds turn{1};
  co_await changed_.wait_until(context_.time, context_.time.now() + turn);
  std::function<void()> work = [this] { receiver_->rest(); };
  co_await thread_.run(std::move(work));
}

asio::awaitable<void> broker_input::run() {
  bool stopped = co_await cancelled();
  while (!stopped && !closing_) {
    if (stopping_ && !has_let_go_) co_await let_go();
    std::string unpublished;
    if (!answers_.empty()) unpublished = co_await publish();
    if (receives()) {
      co_await receive();
    } else if (unpublished.empty()) {
      co_await wait_for_room();
    } else {
      auto pausing = pause(std::move(unpublished));
      co_await std::move(pausing);
    }
    stopped = co_await cancelled();
  }
  if (!stopped && stopping_ && !has_let_go_) co_await let_go();
  if (!stopped && !answers_.empty()) co_await publish();
  ended_ = true;
  changed_.notify();
}

void broker_input::stop_receiving() {
  if (!is_kept_) return;
  stopping_ = true;
  receiver_->wake();
}

asio::awaitable<void> broker_input::finish(clock::time_point until) {
  closing_ = true;
  receiver_->wake();
  changed_.notify();
  if (!failed_.empty()) until = std::min(until, context_.time.now() + last_attempt);
  bool stopped = co_await cancelled();
  while (!stopped && !ended_ && context_.time.now() < until) {
    co_await changed_.wait_until(context_.time, until);
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
