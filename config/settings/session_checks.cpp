#include "config/settings/session_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/settings/step_lists.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

using protocol::diagnostic;

namespace {

/// A remark at a field of a section, or at the session if it is not written out.
diagnostic remark(const value_at& from, std::string_view part, std::string_view name, std::string message,
                  std::string hint) {
  const protocol::node* section = from.value.find(part);
  const protocol::node* value = section == nullptr || name.empty() ? section : section->find(name);
  const std::string path = fmt::format("{}.{}{}{}", from.path, part, name.empty() ? "" : ".", name);
  return {value != nullptr ? value->where : from.value.where, path, std::move(message), std::move(hint)};
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool holds_secrets(const session_settings& session) {
  if (const auto& login = session.login) {
    if (const auto& json = login->json; json && json->has_secrets()) return true;
    if (const auto& send = login->send; send && send->with.has_secrets()) return true;
  }
  return std::any_of(session.urls.begin(), session.urls.end(),
                     [](const text_template& url) { return url.has_secrets(); }) ||
         std::any_of(session.headers.begin(), session.headers.end(),
                     [](const auto& header) { return header.second.has_secrets(); });
}

/// Whether a step asks a server over TLS, or one that is not known yet.
bool asks_over_tls(const session_settings& session) {
  bool asks = false;
  const auto look = [&](const script_step& step) {
    const auto* http = std::get_if<http_step>(&step.action);
    if (http == nullptr) return;
    const std::string url = http->url.display();
    asks = asks || url.starts_with("https") || url.starts_with("${");
  };
  for (const step_list* steps : step_lists(session)) for_each_step(*steps, look);
  return asks;
}

/// Addresses that can be read now.
std::vector<url> addresses_of(const session_settings& session, const reading& in) {
  std::vector<url> found;
  for (const text_template& text : session.urls) {
    std::string error;
    const bool is_open = in.secrets_absent || text.has_inside();
    const auto value = is_open ? resolved<std::string>{text.with_placeholder("1"), ""} : text.resolve();
    if (auto address = parse_url(value.value, error)) found.push_back(std::move(*address));
  }
  return found;
}

void check_addresses(const session_settings& session, const value_at& from, reading& in) {
  const std::vector<url> all = addresses_of(session, in);
  const bool any_secure = std::any_of(all.begin(), all.end(), [](const url& each) { return each.secure; });
  const bool any_in_the_clear = std::any_of(all.begin(), all.end(), [](const url& each) {
    return !each.secure && each.socket.empty() && !is_loopback(each.host);
  });
  if (any_secure && !session.tls.verify && session.tls.pins.empty())
    in.warnings.push_back(remark(from, "tls", "verify", "the server's certificate is not verified",
                                 "an attacker on the network can read and change messages; use tls.ca_file"));
  const bool own_tls = from.value.find("tls") != nullptr;
  if (!all.empty() && !any_secure && own_tls && !asks_over_tls(session))
    in.warnings.push_back(
        remark(from, "tls", "", "TLS settings have no effect on a ws:// address", "use wss://"));
  if (any_in_the_clear && holds_secrets(session))
    in.warnings.push_back(remark(from, "url", "", "values of references are sent unencrypted", "use wss://"));
}

}  // namespace

void check_session(const session_settings& session, const value_at& from, reading& in) {
  check_addresses(session, from, in);
  if (session.reconnect.initial > session.reconnect.maximum)
    in.mistakes.push_back(remark(from, "reconnect", "initial", "the first delay is longer than the maximum",
                                 "raise reconnect.maximum or lower reconnect.initial"));
  if (from.value.find("renew") != nullptr && !session.renew.after && !session.renew.at)
    in.mistakes.push_back(
        remark(from, "renew", "", "the time is missing", "set renew.after or renew.at, or remove renew"));
  if (const auto& after = session.renew.after; after && !after->text && session.renew.margin >= after->fixed)
    in.mistakes.push_back(
        remark(from, "renew", "margin",
               "the margin is as long as the time after which the connection is renewed: it "
               "would be renewed at once, again and again",
               "keep renew.margin below renew.after"));
  const liveness_settings& liveness = session.liveness;
  const bool never = liveness.idle_timeout.count() == 0;
  if (never)
    in.warnings.push_back(remark(from, "liveness", "idle_timeout",
                                 "a server that disappears silently will not be detected",
                                 "set liveness.idle_timeout above liveness.ping_interval"));
  if (!never && liveness.ping_interval >= liveness.idle_timeout)
    in.warnings.push_back(remark(from, "liveness", "ping_interval",
                                 "an idle connection is dropped before the first ping",
                                 "keep liveness.ping_interval below liveness.idle_timeout"));
}

}  // namespace duplexd::config
