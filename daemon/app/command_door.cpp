#include "daemon/app/command_door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

command_door::command_door(const asio::any_io_executor& loop, clock& time, telemetry& log, finder find)
    : time_(time), log_(log), find_(std::move(find)), finished_(loop) {}

void command_door::complain(std::uint64_t line, const source& from, std::string why, bool is_message) {
  log_.record("", happening::command_invalid{line, std::move(why), from.output, is_message});
}

// The oldest are forgotten first, by their time and by their number.
bool command_door::is_repeated(const std::string& id) {
  const auto now = time_.now();
  const auto forget = [this] {
    ids_.erase(id_order_.front());
    id_order_.pop_front();
  };
  while (!id_order_.empty() && now - id_order_.front()->second >= remembered) forget();
  const auto [known, is_new] = ids_.emplace(id, now);
  if (is_new) id_order_.push_back(known);
  if (id_order_.size() > most_remembered) forget();
  return !is_new;
}

void command_door::forget_id(const std::string& id) {
  const auto known = ids_.find(id);
  if (known == ids_.end()) return;
  const auto place = std::ranges::find(id_order_ | std::views::reverse, known);  // most are the newest
  id_order_.erase(std::next(place).base());
  ids_.erase(known);
}

std::shared_ptr<session> command_door::read(const line_input::line& line, const source& from,
                                            command_request& out, std::string& error) {
  if (line.too_long)
    error = fmt::format("it has more than {} bytes", longest_line);
  else if (line.text.find_first_not_of(" \t\r") == std::string::npos)
    return nullptr;
  else if (answers_closed_ && !from.output.empty())
    error = "it came after the sessions had ended";
  else if (read_command_request(line.text, out, error))
    if (auto to = find_(out.session)) return to;
  if (error.empty())
    error = out.session.empty() ? "'session' is missing, and there are several"
                                : fmt::format("there is no session '{}'", out.session);
  return nullptr;
}

bool command_door::is_kept(session& to, const command_request& what, const source& from) {
  if (book_ == nullptr) return false;
  const kept_command* known = book_->find(to.name(), from.output, what.id);
  if (known != nullptr && book_->is_settled(*known)) to.tell_again(*known);
  return known != nullptr;
}

bool command_door::is_durable(const session& to, const command_request& what) const {
  if (book_ == nullptr) return false;
  const config::command_settings* const rules = to.rules_of(what.command);
  return rules != nullptr && rules->durable;
}

std::shared_ptr<void> command_door::count(source& of) {
  ++of.unfinished;
  return {&of, [this, door = std::weak_ptr<int>(alive_)](source* from) {
            if (door.expired()) return;
            --from->unfinished;
            finished_.notify();
          }};
}

void command_door::restore(session& to) {
  if (book_ == nullptr) return;
  for (const kept_command& each : book_->open_of(to.name())) {
    auto follow = [this, &to, unfinished = count(restored_)](const submission& fate) mutable {
      if (told_) told_(to.name(), fate);
      if (fate.has_ended) unfinished.reset();
    };
    to.restore(each, std::move(follow));
  }
}

bool command_door::enter(session& to, command_request& what, source& from,
                         std::function<void(const submission&)> on_change) {
  const bool is_ours = what.id.empty();
  if (is_ours) what.id = fmt::format("{:x}-{}", time_.wall().time_since_epoch().count(), ++made_ids_);
  if (!is_ours && is_kept(to, what, from)) return false;
  std::string noted;
  if (!is_ours) noted = fmt::format("{} {} {}", from.output, to.name(), what.id);
  if (is_durable(to, what)) {
    const auto before = ids_.find(noted);  // when it was not durable
    if (before != ids_.end() && time_.now() - before->second < remembered) return false;
    noted.clear();
  }
  if (!noted.empty() && is_repeated(noted)) return false;
  auto follow = [this, &to, noted = std::move(noted), on_change = std::move(on_change),
                 unfinished = count(from)](const submission& fate) mutable {
    const bool may_come_again =
        fate.is_given_back || (fate.comes_again && fate.state == command_state::received);
    if (fate.is_given_back && !noted.empty()) forget_id(noted);
    if (told_ && !may_come_again) told_(to.name(), fate);
    if (on_change) on_change(fate);
    if (fate.has_ended) unfinished.reset();
  };
  to.submit(what.command, what.values, std::move(follow),
            {.id = what.id, .source = from.output, .comes_again = what.comes_again});
  return true;
}

void command_door::submit(std::uint64_t line, source& from, session& to, command_request what) {
  if (!enter(to, what, from, {}))
    complain(line, from,
             fmt::format("a command with the id '{}' came before; it is not sent again", what.id));
}

asio::awaitable<void> command_door::take(line_input::line line, source& from) {
  command_request request;
  std::string error;
  const std::shared_ptr<session> to = read(line, from, request, error);
  if (!error.empty()) complain(line.number, from, std::move(error));
  if (to == nullptr) co_return;
  co_await to->wait_tried();
  const bool stopped = co_await cancelled();
  if (!stopped) submit(line.number, from, *to, std::move(request));
}

asio::awaitable<void> command_door::take_all(line_input& lines, source& from) {
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (from.unfinished >= most_unfinished) {
      co_await finished_.wait();
    } else if (auto line = co_await lines.next()) {
      co_await take(std::move(*line), from);
    } else {
      break;
    }
    stopped = co_await cancelled();
  }
  if (!lines.failed().empty()) complain(0, from, "they cannot be read any further: " + lines.failed());
}

// Its end, if it is known; else nothing is known but that it came.
void command_door::tell_repeated(session& to, const command_request& what, const source& from,
                                 const command_listener& told) {
  const kept_command* known = book_ == nullptr ? nullptr : book_->find(to.name(), from.output, what.id);
  submission fate{.command = what.command, .id = what.id};
  if (known != nullptr && book_->is_settled(*known)) fate = submission_of(*known);
  if (!fate.has_ended) fate.why = "a command with this id came before; it is not sent again";
  told({true, true, json_of(to.name(), fate, most_data)});
}

asio::awaitable<void> command_door::take_message(std::string output, line_input::line message,
                                                 command_listener told) {
  source& from = programs_[output];
  from.output = std::move(output);
  command_request request;
  std::string error;
  const std::shared_ptr<session> to = read(message, from, request, error);
  if (request.id.empty()) request.id = std::move(message.id);
  request.comes_again = message.comes_again;
  if (to == nullptr) {
    if (error.empty()) error = "it is empty";
    const submission refused{.command = request.command,
                             .id = request.id,
                             .state = command_state::refused,
                             .why = error,
                             .has_ended = true};
    complain(message.number, from, std::move(error), true);
    told({true, true, json_of(request.session, refused, most_data)});
    co_return;
  }
  co_await to->wait_tried();
  const bool stopped = co_await cancelled();
  if (stopped) co_return;
  auto follow = [told, name = to->name()](const submission& fate) {
    if (fate.is_given_back) {
      told({.text = fmt::format("session {}: {}", name, fate.why), .is_given_back = true});
      return;
    }
    const bool is_accepted = fate.has_ended || fate.state != command_state::received;
    told({is_accepted, fate.has_ended, fate.has_ended ? json_of(name, fate, most_data) : ""});
  };
  if (!enter(*to, request, from, std::move(follow))) tell_repeated(*to, request, from, told);
}

asio::awaitable<void> command_door::take_answers(std::string output, line_input& from) {
  source& known = programs_[output];
  known.output = std::move(output);
  co_await take_all(from, known);
}

asio::awaitable<void> command_door::run(line_input& from) {
  co_await take_all(from, stdin_);
  bool stopped = co_await cancelled();
  while (!stopped && stdin_.unfinished + restored_.unfinished > 0) {
    co_await finished_.wait();
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
