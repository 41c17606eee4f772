#include "config/load/reload_plan.hpp"

#include <algorithm>

#include "config/fields/field.hpp"
#include "config/fields/fields.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_entry;

namespace {

/// What the leaf field of a path ("/log/level") says, or the nearest one around it that says something.
change_rule rule_of(const ordered_json::json_pointer& path) {
  std::vector<std::string> parts;
  for (auto at = path; !at.empty(); at.pop_back()) parts.insert(parts.begin(), at.back());
  change_rule rule = change_rule::restart;
  const section* in = &document_fields();
  for (const std::string& part : parts) {
    const field* const found = in == nullptr ? nullptr : in->find(part);
    if (found == nullptr) break;  // the name of an output, or the index of a list
    rule = found->on_change.value_or(rule);
    in = found->type.inner;
  }
  return rule;
}

/// "log.level".
std::string dotted(const std::string& pointer) {
  std::string text = pointer.substr(std::min<std::size_t>(1, pointer.size()));
  std::ranges::replace(text, '/', '.');
  return text;
}

void add_once(std::vector<std::string>& to, std::string what) {
  if (std::ranges::find(to, what) == to.end()) to.push_back(std::move(what));
}

}  // namespace

ordered_json process_part(const node& document) {
  ordered_json part = ordered_json::object();
  for (const field& each : document_fields().fields) {
    if (each.on_change == change_rule::reconnect) continue;
    const node* const written = document.find(each.name);
    if (written != nullptr) part[each.name] = protocol::to_json(*written);
    if (written == nullptr && !each.fallback.is_null()) part[each.name] = each.fallback;
    const bool has_names = each.type.schema.contains("propertyNames");
    const bool is_section = each.type.inner != nullptr && !has_names;
    if (!is_section || (written != nullptr && written->kind != protocol::node_kind::map)) continue;
    for (const field& inner : each.type.inner->fields)
      if (!inner.fallback.is_null() && !part[each.name].contains(inner.name))
        part[each.name][inner.name] = inner.fallback;
  }
  return part;
}

reload_state state_of(const settings& loaded) {
  reload_state state{loaded.process, {}};
  for (const session_settings& each : loaded.sessions) state.sessions.emplace(each.name, each.digest);
  return state;
}

reload_plan plan_reload(const reload_state& now, const reload_state& next) {
  reload_plan plan;
  for (const ordered_json& difference : ordered_json::diff(now.process, next.process)) {
    const auto& where = difference.at("path").get_ref<const std::string&>();
    const bool is_live = rule_of(ordered_json::json_pointer(where)) == change_rule::live;
    add_once(is_live ? plan.live : plan.refused, dotted(where));
  }
  for (const auto& [name, digest] : next.sessions) {
    const auto running = now.sessions.find(name);
    if (running == now.sessions.end())
      plan.added.push_back(name);
    else if (running->second != digest)
      plan.reconnect.push_back(name);
    else
      ++plan.unchanged;
  }
  for (const auto& [name, digest] : now.sessions)
    if (!next.sessions.contains(name)) plan.removed.push_back(name);
  return plan;
}

}  // namespace duplexd::config
