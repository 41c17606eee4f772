#include "daemon/session/receiver.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include "daemon/event/timestamp.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd {

namespace {

// A message of several packets is held back in its middle only if so much of it was handled: while it lasts
// nothing can be read ahead.
constexpr std::size_t message_in_one = 64u << 10;

// What a message that is read ahead costs beside its bytes.
constexpr std::size_t overhead = 64;

// Steps that go on without waiting are resumed within few turns of the loop. Those that never wait are not
// waited for: only what came from the link is.
constexpr unsigned quiet_turns = 32;
constexpr unsigned most_turns = 64;

// After a long turn a session takes so many in line with others of that kind.
constexpr unsigned turns_in_lane = 16;

}  // namespace

receiver::receiver(const config::session_settings& settings, const session_context& context, transport& link,
                   event_routes& outputs, reply_inbox& replies, script_runner& script, freshness& fresh)
    : settings_(settings),
      context_(context),
      link_(link),
      outputs_(outputs),
      replies_(replies),
      script_(script),
      fresh_(fresh),
      line_(settings.name),
      reading_(context.time),
      counters_(*context.counters),
      read_ahead_limit_(settings.limits.inbox) {
  adopt(settings.protocol);
  if (context.long_turns != nullptr) place_.emplace(*context.long_turns);
}

asio::awaitable<void> receiver::run() {
  for (;;) {
    const bool stopped = co_await cancelled();
    const bool has_more = in_message_ || !ahead_.empty();
    if (stopped || (link_.ended() && !has_more)) break;
    if (!has_more && link_.end_is_next()) co_await settle();
    if (!has_more) co_await link_.wait_readable();
    if (place_ && long_turns_ > 0) co_await place_->enter();
    turn_budget turn{context_.time};
    const turn_end how = take_turn(turn);
    if (place_) place_->leave();
    if (how == turn_end::dry) has_waited_ = false;
    judge_turn(turn.was_long());
    if (how == turn_end::no_room)
      co_await hold_back();
    else if (how == turn_end::used_up)
      co_await asio::post(context_.loop, asio::deferred);
  }
}

// Messages may arrive in pieces: a short turn in between does not make a session one of short turns.
void receiver::judge_turn(bool was_long) {
  if (was_long)
    long_turns_ = turns_in_lane;
  else if (long_turns_ > 0)
    --long_turns_;
}

receiver::turn_end receiver::take_turn(turn_budget& turn) {
  time_ = timestamp(context_.time.wall());
  turn_began_ = reading_.now();
  if (!packets_) return turn_end::dry;  // never: see there
  for (;;) {
    if ((!in_message_ || of_message_ >= message_in_one) && !has_room()) return turn_end::no_room;
    if (turn.is_over()) return turn_end::used_up;
    if (!in_message_) {
      protocol::frame_view whole;
      if (!next_message(whole)) return turn_end::dry;
      packets_->begin(whole);
      in_message_ = true;
      of_message_ = 0;
    }
    protocol::packet packet;
    in_message_ = packets_->next(packet);
    if (!in_message_) {
      if (at_message_end_) std::exchange(at_message_end_, {})();
      continue;
    }
    handle(packet);
    turn.spend(packet.frame.bytes.size());
    of_message_ += packet.frame.bytes.size();
  }
}

bool receiver::next_message(protocol::frame_view& out) {
  if (ahead_.empty()) return (!link_.end_is_next() || settled_) && link_.next(out);
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  ahead_bytes_ -= current_.bytes.size() + overhead;
  out = {.kind = current_.kind, .bytes = current_.bytes};
  return true;
}

void receiver::handle(const protocol::packet& packet) {
  const protocol::codec_error* error = nullptr;
  std::string_view json;
  counters_.received += packet.frame.bytes.size();
  const std::string_view name = packet.type == nullptr ? std::string_view{} : protocol::name_of(*packet.type);
  if (!outputs_.wants(name)) {
    error = line_.check(packet);
  } else {
    const std::string_view line = line_.compose(time_, packet, &error);
    if (error == nullptr) json = line_.data();
    outputs_.emit({.what = error == nullptr ? session_event::kind::reply : session_event::kind::raw,
                   .session = settings_.name,
                   .time = time_,
                   .name = name,
                   .line = line,
                   .data = json,
                   .frame = packet.frame});
  }
  if (error != nullptr) {
    ++counters_.undecodable;
    context_.telemetry.record(settings_.name,
                              happening::undecodable{error->text(), packet.frame.bytes.size()});
  } else {
    ++counters_.replies[static_cast<std::size_t>(packet.type - types_)];
    replies_.offer(packet, json);
  }
  if (packet.type != nullptr && !fresh_.empty()) fresh_.seen(packet.type, turn_began_);
}

bool receiver::has_room() const noexcept {
  return outputs_.has_room() && script_.budget().has_room();
}

asio::awaitable<int> receiver::wait_for_room() {
  bool stopped = co_await cancelled();
  while (!stopped && !has_room()) {
    co_await outputs_.wait_room();
    co_await script_.budget().wait_room();
    stopped = co_await cancelled();
  }
  co_return 0;
}

// The output that has no room may be none of the session's any more.
void receiver::adopt(std::uint64_t read_ahead) {
  read_ahead_limit_ = read_ahead;
  if (holding_ != nullptr) holding_->cancel(room);
}

// What was made for message types of the protocol before is made again.
void receiver::adopt(const std::shared_ptr<const protocol::protocol>& types) {
  const auto& replies = types->types(protocol::direction::reply);
  packets_.emplace(types, protocol::direction::reply);
  line_ = event_line(settings_.name);
  types_ = replies.data();
  counters_.replies.resize(replies.size());
}

asio::awaitable<int> receiver::wait_for_more() {
  co_await link_.wait_readable();
  co_return 0;
}

bool receiver::may_read_ahead() const noexcept {
  return !in_message_ && ahead_bytes_ < read_ahead_limit_ && !link_.ended() && !link_.end_is_next();
}

void receiver::read_ahead() {
  protocol::frame_view next;
  while (may_read_ahead() && link_.next(next)) {
    ahead_.push_back({next.kind, {next.bytes.begin(), next.bytes.end()}});
    ahead_bytes_ += next.bytes.size() + overhead;
  }
}

// Slow outputs are nobody's fault: who waits for a reply has patience. A handler that is too slow may itself
// be who waits.
asio::awaitable<void> receiver::hold_back() {
  reading_.hold();
  has_waited_ = true;
  if (!outputs_.has_room()) replies_.patience().hold();
  task_group<int> tasks{context_.loop};
  holding_ = &tasks;
  tasks.spawn(room, wait_for_room());
  if (may_read_ahead()) tasks.spawn(more, wait_for_more());
  bool stopped = false;
  for (auto ended = co_await tasks.next(); ended.id == more && !stopped; ended = co_await tasks.next()) {
    read_ahead();
    stopped = co_await cancelled();
    if (may_read_ahead() && !stopped) tasks.spawn(more, wait_for_more());
  }
  holding_ = nullptr;
  co_await tasks.join();
  reading_.release();
  read_again_ = context_.time.now();
  if (replies_.patience().held()) {
    replies_.patience().release();
    replies_.released();
  }
}

asio::awaitable<void> receiver::settle() {
  unsigned quiet = 0;
  bool stopped = co_await cancelled();
  for (unsigned turns = 0; turns < most_turns && quiet < quiet_turns && !stopped; ++turns) {
    const flow_progress before = script_.progress();
    co_await asio::post(context_.loop, asio::deferred);
    const flow_progress after = script_.progress();
    quiet = after == before ? quiet + 1 : 0;
    if (after.replies != before.replies) turns = 0;
    stopped = co_await cancelled();
  }
  settled_ = true;
}

}  // namespace duplexd
