#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd::net {

/// One packet that a simulated server sends, or why it cannot.
struct simulated_reply {
  std::string name;
  protocol::frame_kind kind = protocol::frame_kind::binary;
  std::vector<std::uint8_t> bytes;
  std::string error;  ///< empty if `bytes` is there
};

/// What a simulated server says to a command, and what it writes about it.
struct simulated_reaction {
  std::string line;  ///< "set_service {"services":["first","test"]} -> reply"
  std::vector<simulated_reply> replies;
};

/// The server's side of one configured session: which login it accepts and what it answers, by the rules
/// under `simulate:` or else by guessing from the script. Knows no socket. Refers to the settings, which must
/// outlive it.
class simulated_session {
 public:
  explicit simulated_session(const config::session_settings& settings) : settings_(&settings) {}

  [[nodiscard]] const config::session_settings& settings() const noexcept { return *settings_; }
  /// Whether a login of one message is looked for. A login of several steps is answered as the script is.
  [[nodiscard]] bool has_login() const noexcept {
    return settings_->login && (settings_->login->json || settings_->login->send);
  }

  /// Whether `message` is the login that the session sends; if not, why, without the login's values.
  /// References that cannot be resolved here match anything.
  [[nodiscard]] std::optional<std::string> refuse_login(protocol::frame_view message) const;

  /// What is sent at the begin, or when the login was accepted: the rules', else what the session expects
  /// before it sends anything else.
  [[nodiscard]] std::vector<simulated_reply> greet() const;

  [[nodiscard]] simulated_reaction react(const protocol::packet& command) const;

  /// What a client's message says, for people: without values that the script takes from references.
  [[nodiscard]] std::string show(protocol::frame_view message) const;

  [[nodiscard]] simulated_reply push(const config::simulate_push& rule) const;

 private:
  [[nodiscard]] std::optional<std::string> refuse_json(protocol::frame_view message,
                                                       const config::json_template& wanted) const;
  [[nodiscard]] std::optional<std::string> refuse_command(protocol::frame_view message,
                                                          const config::send_step& wanted) const;
  [[nodiscard]] simulated_reply make(const std::string& name, const nlohmann::ordered_json& values) const;
  [[nodiscard]] simulated_reply make(const std::string& name, const config::json_template& with,
                                     const nlohmann::ordered_json& command) const;
  /// What is waited for, what is taken out of it, and the command that it answers.
  struct wanted_answer {
    const config::expectation* what = nullptr;
    const config::savings* saved = nullptr;
  };
  [[nodiscard]] simulated_reply make(const wanted_answer& wanted,
                                     const nlohmann::ordered_json& command) const;
  [[nodiscard]] std::vector<simulated_reply> answers_to(const std::string& command,
                                                        const nlohmann::ordered_json& values) const;
  [[nodiscard]] wanted_answer expected_after(const std::string& command,
                                             const nlohmann::ordered_json& values) const;
  [[nodiscard]] std::vector<simulated_reply> expected_first() const;
  [[nodiscard]] bool may_show(const std::string& command) const;

  const config::session_settings* settings_;
};

}  // namespace duplexd::net
