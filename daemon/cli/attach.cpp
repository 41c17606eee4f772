#include "daemon/cli/attach.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"
#include "daemon/cli/typed_values.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/parts.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t longest_line = std::size_t{1} << 20;  // as of all commands
constexpr std::chrono::seconds answer_limit{5};

struct attach_options {
  std::string socket;
  std::string session;
  double wait = 1;  // seconds
};

/// Sends the lines of stdin as commands.
class typed_commands {
 public:
  explicit typed_commands(const attach_options& given) : given_(given), daemon_(given.socket) {}

  /// Takes what can be read now. False: that was the end.
  bool read() {
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    text_.append(bytes.data(), static_cast<std::size_t>(got));
    std::size_t from = 0;
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', from)) {
      take(std::string_view{text_}.substr(from, end - from));
      from = end + 1;
    }
    text_.erase(0, from);
    if (text_.size() > longest_line) {
      skipping_ = true;
      text_.clear();
    }
    if (got == 0 && !text_.empty()) take(text_);
    return got > 0;
  }

  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  void take(std::string_view line) {
    ++number_;
    if (std::exchange(skipping_, false) || line.size() > longest_line)
      return complain(fmt::format("it has more than {} bytes", longest_line));
    line = protocol::trimmed(line, " \t\r");
    if (line.empty()) return;
    std::string error;
    const std::string body = line.starts_with('{') ? std::string(line) : body_of(line, error);
    if (!error.empty()) return complain(error);
    const std::string target = fmt::format("/api/v1/sessions/{}/commands?wait=none", escaped(given_.session));
    const control_answer answer = daemon_.ask("POST", target, body, answer_limit);
    if (answer.status >= 200 && answer.status < 300) return;
    complain(answer.status == 0 ? answer.error : reason_in(answer.body));
  }

  /// "NAME key=value…" as the interface takes it.
  static std::string body_of(std::string_view line, std::string& error) {
    const auto end = std::min(line.find(' '), line.size());
    const auto values = values_of_line(line.substr(end), error);
    if (!values) return "";
    const ordered_json body{{"command", std::string(line.substr(0, end))},
                            {"with", values->is_null() ? ordered_json::object() : *values}};
    return body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

  static std::string reason_in(const std::string& body) {
    const auto told = protocol::parse_json(body);
    for (const char* key : {"error", "why"})
      if (told && told->is_object() && told->contains(key) && told->at(key).is_string())
        return told->at(key).get<std::string>();
    return "the daemon refused it";
  }

  void complain(const std::string& why) {
    failed_ = true;
    std::fprintf(stderr, "duplexd: line %s is not sent: %s\n", std::to_string(number_).c_str(),
                 protocol::one_line(why).c_str());
  }

  const attach_options& given_;
  control_client daemon_;
  std::string text_;  ///< of a line whose end has not come
  std::uint64_t number_ = 0;
  bool skipping_ = false;  ///< the rest of a line that is too long
  bool failed_ = false;
};

int attach(const attach_options& given) {
  typed_commands commands(given);
  follow_beside stdin_beside{.handle = STDIN_FILENO, .readable = {}, .until = {}};
  stdin_beside.readable = [&] {
    if (commands.read()) return;
    stdin_beside.handle = -1;
    stdin_beside.until = std::chrono::steady_clock::now() +
                         std::chrono::milliseconds{static_cast<std::int64_t>(given.wait * 1000)};
  };
  bool broken = false;
  const auto print = [&](std::string_view piece) {
    broken = std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size() || std::fflush(stdout) != 0;
    return !broken;
  };
  const control_answer answer =
      control_client(given.socket)
          .follow("/api/v1/events?session=" + escaped(given.session), print, &stdin_beside);
  if (broken) return exit_output_closed;
  if (answer.status != 200) return report(answer);
  if (!answer.error.empty()) std::fprintf(stderr, "duplexd: %s\n", answer.error.c_str());
  if (!answer.error.empty()) return exit_no_daemon;
  return commands.failed() ? exit_refused : exit_success;
}

}  // namespace

void add_attach(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<attach_options>();
  CLI::App* command = app.add_subcommand(
      "attach", "Send the lines of stdin as commands of a running daemon, print the session's events");
  add_socket_option(*command, given->socket);
  command->add_option("session", given->session, "The session's name")->required();
  command->add_option("--wait", given->wait, "Seconds to go on after the end of stdin (default: 1)")
      ->check(CLI::Range(0.0, 86400.0));
  command->callback([given, &exit_code] { exit_code = attach(*given); });
}

}  // namespace duplexd::cli
