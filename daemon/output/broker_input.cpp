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

void broker_input::note(const command_news& news, follower& who) {
  batch& all = *who.of;
  if ((news.is_accepted || news.is_given_back) && !std::exchange(who.is_settled, true)) {
    --all.unaccepted;
    all.accepted[who.index] = news.is_accepted;
    if (!news.is_accepted) all.back = news.text;
  }
  const bool is_last = (news.has_ended || news.is_given_back) && !std::exchange(who.has_ended, true);
  if (is_last) {
    --unfinished_;
    answer_bytes_ -= who.answer.size();
  }
  if (is_last && news.has_ended && !who.answer.to.empty()) {
    who.answer.text = news.text;
    answer_bytes_ += who.answer.size();
    answers_.push_back(std::move(who.answer));
  }
  if (is_last) receiver_->wake();
  changed_.notify();
}

// A session that is taken out of the configuration tells no end of its durable commands, and nothing at all
// of one that is not on the disk yet.
std::shared_ptr<broker_input::follower> broker_input::follow(const std::shared_ptr<batch>& of,
                                                             std::size_t index) {
  const broker_receiver::message& come = of->messages[index];
  const std::string& to = come.answer_to.empty() ? settings_.commands.answers : come.answer_to;
  std::unique_ptr<follower> made{new follower{of, index, {to, come.correlation}, is_kept_ && come.is_kept}};
  ++unfinished_;
  ++of->unaccepted;
  answer_bytes_ += made->answer.size();
  return {made.release(), [this, input = std::weak_ptr<int>(alive_)](follower* who) {
            const std::unique_ptr<follower> last{who};
            if (input.expired() || who->has_ended) return;
            const bool comes_again = who->comes_again;
            note({.is_accepted = !comes_again, .text = "its session has ended", .is_given_back = true}, *who);
          }};
}

asio::awaitable<void> broker_input::take(const std::shared_ptr<batch>& of, std::size_t index) {
  const broker_receiver::message& come = of->messages[index];
  command_listener told = [this, who = follow(of, index)](const command_news& news) { note(news, *who); };
  line_input::line message{.number = ++number_,
                           .text = come.text,
                           .too_long = come.is_too_long,
                           .id = come.id,
                           .comes_again = is_kept_ && come.is_kept};
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
    if (failed.empty()) failed = receiver_->flush();
  };
  co_await thread_.run(std::move(work));
  for (; published > 0; --published) {
    answer_bytes_ -= now.front().size();
    now.pop_front();
  }
  for (; !now.empty(); now.pop_back()) answers_.push_front(std::move(now.back()));
  is_unflushed_ = !failed.empty();
  co_return failed;
}

// What has ended meanwhile is told at once, unless the broker is away.
asio::awaitable<void> broker_input::pause(std::string why, bool is_told) {
  const auto time = pauses_.next(context_.random());
  if (is_told || why != failed_)
    context_.log.record("", happening::commands_failed{settings_.name, why, time});
  failed_ = std::move(why);
  const auto next = context_.time.now() + time;
  bool stopped = co_await cancelled();
  const auto can_publish = [&] { return !is_away_ && !is_unflushed_ && !answers_.empty(); };
  const auto is_over = [&] { return closing_ || (stopping_ && !has_let_go_) || context_.time.now() >= next; };
  while (!stopped && !is_over()) {
    if (can_publish()) co_await publish();
    const auto turn = held_.empty() ? next : std::min(next, keep_again_);
    if (!can_publish()) co_await changed_.wait_until(context_.time, turn);
    stopped = co_await cancelled();
    if (!stopped) co_await keep_held();
  }
}

asio::awaitable<bool> broker_input::acknowledge(std::vector<bool> accepted) {
  bool are_held = false;
  std::function<void()> work = [&] { are_held = receiver_->acknowledge(accepted); };
  keep_again_ = context_.time.now() + held_turn;
  co_await thread_.run(std::move(work));
  co_return are_held;
}

asio::awaitable<void> broker_input::keep_held() {
  if (held_.empty() || context_.time.now() < keep_again_) co_return;
  std::vector<bool> none(held_.size(), false);
  co_await acknowledge(std::move(none));
}

// Returns why there is no connection.
asio::awaitable<std::string> broker_input::fetch(batch& into) {
  into.messages = std::exchange(held_, {});
  broker_receiver::received got;
  if (into.messages.empty()) {
    std::function<void()> work = [&] { got = receiver_->receive(); };
    co_await thread_.run(std::move(work));
    is_away_ = !got.failed.empty();
    into.messages = std::move(got.messages);
  }
  if (adds_tellably(lost_, got.lost))
    context_.log.record("", happening::commands_lost{settings_.name, lost_});
  into.accepted.resize(into.messages.size());
  co_return std::move(got.failed);
}

// Behind one that was given back, and at the end, nothing is taken that comes again.
bool broker_input::is_left(const batch& what, const broker_receiver::message& next) const noexcept {
  return (stopping_ || !what.back.empty()) && is_kept_ && next.is_kept;
}

// Until each is accepted, or given back, or left. False: nobody knows yet.
asio::awaitable<bool> broker_input::take_all(const std::shared_ptr<batch>& what) {
  bool stopped = co_await cancelled();
  for (std::size_t i = 0; i < what->messages.size() && !stopped; ++i) {
    if (is_left(*what, what->messages[i])) continue;
    auto taking = take(what, i);
    co_await std::move(taking);
    stopped = co_await cancelled();
  }
  while (!stopped && !closing_ && what->unaccepted > 0) {
    co_await changed_.wait();
    stopped = co_await cancelled();
  }
  co_return !stopped && what->unaccepted == 0;
}

asio::awaitable<void> broker_input::receive() {
  const auto come = std::make_shared<batch>();
  std::string failed = co_await fetch(*come);
  const bool are_taken = co_await take_all(come);
  if (!are_taken) co_return;
  const auto messages = std::exchange(come->messages, {});
  const auto count = static_cast<std::size_t>(std::ranges::count(come->accepted, true));
  const bool is_whole = count == messages.size();
  bool are_held = false;
  if (failed.empty() && !messages.empty()) are_held = co_await acknowledge(come->accepted);
  for (std::size_t i = 0; are_held && i < messages.size(); ++i)
    if (!come->accepted[i]) held_.push_back(messages[i]);
  if (stopping_) co_return;
  if (count > 0) pauses_.reset();
  const bool is_told = is_whole || count == 0;
  if (failed.empty()) failed = come->back;
  if (!failed.empty()) {
    auto pausing = pause(std::move(failed), is_told);
    co_await std::move(pausing);
    co_return;
  }
  if (!std::exchange(failed_, "").empty())
    context_.log.record("", happening::commands_recovered{settings_.name});
  pauses_.reset();
}

asio::awaitable<void> broker_input::wait_for_room() {
  constexpr std::chrono::seconds turn{1};
  co_await changed_.wait_until(context_.time, context_.time.now() + turn);
  co_await keep_held();
  std::function<void()> work = [this] { receiver_->rest(); };
  co_await thread_.run(std::move(work));
}

asio::awaitable<void> broker_input::run() {
  bool stopped = co_await cancelled();
  while (!stopped && !closing_) {
    if (stopping_ && !has_let_go_) co_await let_go();
    std::string unpublished;
    if (!answers_.empty() || is_unflushed_) unpublished = co_await publish();
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
  if (!stopped && (!answers_.empty() || is_unflushed_)) co_await publish();
  ended_ = true;
  changed_.notify();
}

void broker_input::stop_receiving() {
  if (!is_kept_) return;
  stopping_ = true;
  receiver_->wake();
  changed_.notify();
}

asio::awaitable<void> broker_input::finish(clock::time_point until) {
  closing_ = true;
  receiver_->wake();
  changed_.notify();
  if (is_away_ || is_unflushed_) until = std::min(until, context_.time.now() + last_attempt);
  bool stopped = co_await cancelled();
  while (!stopped && !ended_ && context_.time.now() < until) {
    co_await changed_.wait_until(context_.time, until);
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
