#include "daemon/simulate/simulated_pages.hpp"

#include <nlohmann/json.hpp>

#include "config/settings/step_lists.hpp"

namespace duplexd::net {
namespace {

/// Sets what a step saves of an answer's body.
void add_saved(nlohmann::ordered_json& body, std::string_view path) {
  constexpr std::string_view in_body = "body.";
  if (!path.starts_with(in_body)) return;
  nlohmann::ordered_json* at = &body;
  for (path.remove_prefix(in_body.size());;) {
    const auto dot = path.find('.');
    if (!at->is_object()) *at = nlohmann::ordered_json::object();
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (at->is_null()) *at = 1;
}

}  // namespace

bool is_path(std::string_view path, std::string_view pattern) {
  auto at = pattern.find(unknown_value);
  if (at == std::string_view::npos) return path == pattern;
  if (!path.starts_with(pattern.substr(0, at))) return false;
  path.remove_prefix(at);
  for (;;) {
    pattern.remove_prefix(at + unknown_value.size());
    at = pattern.find(unknown_value);
    if (at == std::string_view::npos) return path.ends_with(pattern);
    const auto found = path.find(pattern.substr(0, at));  // the first place leaves most for what follows
    if (found == std::string_view::npos) return false;
    path.remove_prefix(found + at);
  }
}

std::vector<simulated_page> pages_of(const config::session_settings& session) {
  std::string why;
  std::vector<simulated_page> pages;
  const auto look = [&](const config::script_step& step, const std::string& prefix) {
    const auto* http = std::get_if<config::http_step>(&step.action);
    if (http == nullptr) return;
    const auto address = config::parse_http_url(http->url.with_placeholder(unknown_value), why);
    if (!address) return;
    nlohmann::ordered_json body = nlohmann::ordered_json::object();
    for (const auto& [variable, path] : step.save)
      if (path.starts_with(prefix)) add_saved(body, std::string_view(path).substr(prefix.size()));
    pages.push_back({*address, body.dump()});
  };
  const auto look_at_all = [&](const config::step_list& steps) {
    config::for_each_step(steps, [&](const config::script_step& step) {
      const auto* gather = std::get_if<config::gather_step>(&step.action);
      if (gather == nullptr) return look(step, "");
      for (std::size_t i = 0; i < gather->branches.size(); ++i) {
        if (gather->branches[i].size() != 1) continue;
        config::script_step of_branch = gather->branches[i].front();
        of_branch.save = step.save;
        look(of_branch, std::to_string(i) + ".");
      }
    });
  };
  for (const config::step_list* steps : config::step_lists(session)) look_at_all(*steps);
  return pages;
}

}  // namespace duplexd::net
