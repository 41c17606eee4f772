#include "daemon/session/script_runner.hpp"

#include <fmt/format.h>

#include "daemon/async/cancelled.hpp"
#include "daemon/session/match.hpp"
#include "protocol/json_text.hpp"

namespace duplexd {

namespace {

using config::fault_class;

fault script_fault(std::string cause) {
  return fault{.kind = fault_class::script, .cause = std::move(cause)};
}

std::string json_text(const nlohmann::ordered_json& value) {
  std::string text;
  if (!protocol::append_json(text, value, protocol::json_style::python)) text += "(text that is not UTF-8)";
  return text;
}

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{} s", static_cast<double>(time.count()) / 1000.0);
}

}  // namespace

std::set<std::string> awaited_replies(const config::session_settings& settings) {
  std::set<std::string> names;
  if (settings.login && settings.login->expect) names.insert(settings.login->expect->reply);
  for (const config::script_step& step : settings.script)
    if (const auto* expect = std::get_if<config::expect_step>(&step.action)) names.insert(expect->what.reply);
  return names;
}

asio::awaitable<std::optional<fault>> script_runner::finish(std::shared_ptr<const submission> command,
                                                            std::string name) {
  if (command->state == command_state::refused) {
    around_.tell.record(settings_.name, happening::command_refused{name, command->why});
    co_return script_fault(fmt::format("command {} not sent: {}", name, command->why));
  }
  // Commands of one turn leave together; only a link that takes no more holds the script up.
  if (outbox_.congested()) co_await outbox_.wait_ended(*command);
  last_sent_ = std::move(command);
  co_return std::nullopt;
}

asio::awaitable<std::optional<fault>> script_runner::send(const config::send_step& step) {
  const auto values = step.with.resolve();
  if (!values) co_return fault{.kind = fault_class::secret, .cause = values.error};
  replies_.forget();
  auto command = outbox_.submit(*settings_.protocol, step.command, values.value);
  co_return co_await finish(std::move(command), step.command);
}

asio::awaitable<std::optional<fault>> script_runner::send_login(const config::login_settings& login) {
  if (login.send) co_return co_await send(*login.send);
  const auto message = login.json->resolve();
  if (!message) co_return fault{.kind = fault_class::secret, .cause = message.error};
  std::string text;
  if (!protocol::append_json(text, message.value, protocol::json_style::python))
    co_return fault{.kind = fault_class::secret, .cause = "login: a reference holds text that is not UTF-8"};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const protocol::frame_view frame{protocol::frame_kind::text, {bytes, text.size()}};
  auto command = outbox_.submit(frame);
  co_return co_await finish(std::move(command), "login");
}

asio::awaitable<std::optional<fault>> script_runner::log_in() {
  if (!settings_.login) co_return std::nullopt;
  const config::login_settings& login = *settings_.login;
  if (auto failed = co_await send_login(login)) co_return failed;
  if (co_await cancelled()) co_return std::nullopt;
  around_.tell.record(settings_.name, happening::login_sent{});
  if (!login.expect) co_return std::nullopt;

  const auto limit = login.expect->timeout.count() > 0 ? login.expect->timeout : settings_.timeouts.login;
  const auto answer = co_await replies_.take(login.expect->reply, around_.time.now() + limit);
  if (co_await cancelled()) co_return std::nullopt;
  if (!answer)
    co_return script_fault(
        fmt::format("no reply {} to the login within {}", login.expect->reply, seconds(limit)));
  if (!matches(*answer, login.expect->where))
    co_return fault{.kind = fault_class::login_rejected,
                    .cause = fmt::format("the server answered the login with {} {}", login.expect->reply,
                                         json_text(*answer).substr(0, 200))};
  around_.tell.record(settings_.name, happening::login_accepted{});
  co_return std::nullopt;
}

asio::awaitable<std::optional<fault>> script_runner::expect(const config::expectation& what) {
  const auto deadline = around_.time.now() + what.timeout;
  while (!co_await cancelled()) {
    const auto answer = co_await replies_.take(what.reply, deadline);
    if (co_await cancelled()) break;
    if (!answer)
      co_return script_fault(fmt::format("no reply {} within {}", what.reply, seconds(what.timeout)));
    if (matches(*answer, what.where)) break;
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<fault>> script_runner::run() {
  for (const config::script_step& step : settings_.script) {
    std::optional<fault> failed;
    if (const auto* sleep = std::get_if<config::sleep_step>(&step.action))
      co_await around_.time.sleep_for(sleep->duration);
    else if (const auto* command = std::get_if<config::send_step>(&step.action))
      failed = co_await send(*command);
    else if (const auto* reply = std::get_if<config::expect_step>(&step.action))
      failed = co_await expect(reply->what);
    if (failed) {
      failed->cause += fmt::format(" (script, line {})", step.where.line);
      co_return failed;
    }
    if (co_await cancelled()) break;
  }
  if (last_sent_) co_await outbox_.wait_ended(*last_sent_);
  co_return std::nullopt;
}

}  // namespace duplexd
