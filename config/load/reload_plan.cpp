#include "config/load/reload_plan.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "config/fields/field.hpp"
#include "config/fields/fields.hpp"
#include "config/load/protocol_digest.hpp"
#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_entry;

namespace {

/// A field that stands for what only the replies of a protocol are unpacked by, and one for each reply that
/// is there.
const std::string replies_field = "protocol.replies";
const std::string reply_prefix = replies_field + ".";

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

std::string compact_text(const node& value) {
  return protocol::to_json(value).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
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

/// The texts of a map's fields, apart by what a reload does about them.
struct digested {
  std::map<std::string, std::string> fixed{};
  std::map<std::string, std::string> live{};

  void add(const std::string& path, const std::string& text, change_rule rule) {
    (rule == change_rule::live ? live : fixed)[path] = text;
  }
  void add(const node& from, const section& fields, const std::string& above, change_rule rule) {
    for (const node_entry& each : from.entries) {
      const field* const known = fields.find(each.key);
      const change_rule its_rule = known == nullptr ? rule : known->on_change.value_or(rule);
      const section* const inner = known == nullptr ? nullptr : known->type.inner;
      const bool has_names = inner != nullptr && known->type.schema.contains("propertyNames");
      if (inner != nullptr && !has_names && each.value.kind == protocol::node_kind::map)
        add(each.value, *inner, above + each.key + ".", its_rule);
      else
        add(above + each.key, compact_text(each.value), its_rule);
    }
  }
};

void take_in_place(const std::string& session, const std::vector<std::string>& fields, reload_plan& plan) {
  plan.in_place.push_back(session);
  const std::string prefix = "sessions." + session + ".";
  for (const std::string& each : fields)
    if (!each.starts_with(reply_prefix)) plan.live.push_back(prefix + each);
}

}  // namespace

std::vector<std::string> session_digest::differences(const session_digest& other) const {
  std::map<std::string, std::pair<std::size_t, std::size_t>> all;
  for (const auto& [name, value] : live) all[name].first = value;
  for (const auto& [name, value] : other.live) all[name].second = value;
  std::vector<std::string> names;
  for (const auto& [name, values] : all)
    if (values.first != values.second) names.push_back(name);
  return names;
}

bool stays_connected(const session_digest& now, const session_digest& next) {
  return now.fixed == next.fixed && std::ranges::all_of(now.live, [&](const auto& each) {
           return !each.first.starts_with(reply_prefix) || std::ranges::count(next.live, each) > 0;
         });
}

bool has_other_replies(const session_digest& now, const session_digest& next) {
  const auto changed = now.differences(next);
  return std::ranges::find(changed, replies_field) != changed.end();
}

session_digest digest_of(const node& session, const node* protocol) {
  digested texts;
  texts.add(session, session_fields(), "", change_rule::reconnect);
  texts.fixed.erase("template");
  std::erase_if(texts.fixed,
                [](const auto& each) { return each.first == "with" || each.first.starts_with("with."); });
  const node* const definition = protocol != nullptr ? protocol : session.find("protocol");
  if (definition != nullptr && definition->kind == protocol::node_kind::map) {
    protocol_parts parts = parts_of(*definition);
    texts.fixed["protocol"] = std::move(parts.fixed);
    if (parts.replies) texts.live[replies_field] = std::move(*parts.replies);
    for (const std::string& name : parts.names) texts.live[reply_prefix + name] = "";
  }
  session_digest made;
  std::string all;
  for (const auto& [name, text] : texts.fixed) all.append(name).append("=").append(text).append("\n");
  made.fixed = std::hash<std::string>{}(all);
  for (const auto& [name, text] : texts.live) made.live.emplace_back(name, std::hash<std::string>{}(text));
  return made;
}

std::size_t digest_of(const node& value) {
  return std::hash<std::string>{}(compact_text(value));
}

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
    else if (running->second == digest)
      ++plan.unchanged;
    else if (!stays_connected(running->second, digest) || now.ended.contains(name))
      plan.reconnect.push_back(name);
    else
      take_in_place(name, running->second.differences(digest), plan);
  }
  for (const auto& [name, digest] : now.sessions)
    if (!next.sessions.contains(name)) plan.removed.push_back(name);
  return plan;
}

}  // namespace duplexd::config
