#include "config/asyncapi/asyncapi_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "protocol/document/node_json.hpp"
#include "protocol/text/percent_encoding.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_kind;

namespace {

constexpr int most_hops = 16;

// A part of a JSON pointer in a URI fragment (RFC 6901, 6).
std::string unescaped(std::string_view part) {
  const std::string decoded = protocol::percent_decoded(part);
  std::string out;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    const bool is_escape = decoded[i] == '~' && i + 1 < decoded.size();
    if (is_escape && (decoded[i + 1] == '0' || decoded[i + 1] == '1'))
      out += decoded[++i] == '0' ? '~' : '/';
    else
      out += decoded[i];
  }
  return out;
}

const node* child_of(const node& from, const std::string& name) {
  if (from.kind == node_kind::map) return from.find(name);
  if (from.kind != node_kind::list || name.empty() || name.size() > 6 ||
      name.find_first_not_of("0123456789") != std::string::npos)
    return nullptr;
  const std::size_t index = std::stoul(name);
  return index < from.items.size() ? &from.items[index] : nullptr;
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

}  // namespace

const std::vector<protocol::node_entry>& entries_of(const api_value& map) noexcept {
  static const std::vector<protocol::node_entry> none;
  return map.is_map() ? map.value->entries : none;
}

api_value asyncapi_document::follow(api_value from) const {
  const api_value start = from;
  for (int hop = 0;; ++hop) {
    const node* const reference = from.find("$ref");
    if (reference == nullptr || reference->kind != node_kind::text) break;
    if (hop == most_hops) {
      note(start, "its references lead in a circle");
      return {};
    }
    const std::string& target = reference->text;
    if (!target.starts_with("#/") && target != "#") {
      note(from, fmt::format("'{}' is outside of this document", target),
           "bundle the documents into one first");
      return {};
    }
    api_value next{&root_, "", target};
    for (std::size_t start_of = 2; start_of <= target.size();) {
      const std::size_t end = std::min(target.find('/', start_of), target.size());
      const std::string part = unescaped(std::string_view(target).substr(start_of, end - start_of));
      next.value = child_of(*next.value, part);
      if (next.value == nullptr) {
        note(from, fmt::format("'{}' leads nowhere", target));
        return {};
      }
      next.path = joined(next.path, part);
      // What is on the way may be a reference itself.
      if (end < target.size() && next.find("$ref") != nullptr) {
        next = follow(next);
        if (!next) return {};
      }
      start_of = end + 1;
    }
    next.pointer = target;
    from = std::move(next);
  }
  return from;
}

api_value asyncapi_document::at(const api_value& map, std::string_view key) const {
  const node* const found = map.find(key);
  return found == nullptr ? api_value{} : follow({found, joined(map.path, key), ""});
}

api_value asyncapi_document::item(const api_value& list, std::size_t index) const {
  return follow({&list.value->items[index], fmt::format("{}[{}]", list.path, index), ""});
}

api_value asyncapi_document::entry(const api_value& map, const protocol::node_entry& of) const {
  return follow({&of.value, joined(map.path, of.key), ""});
}

api_value asyncapi_document::with_traits(const api_value& map, std::string_view key) const {
  if (map.find(key) != nullptr) return at(map, key);
  const api_value traits = at(map, "traits");
  if (!traits || traits.value->kind != node_kind::list) return {};
  for (std::size_t i = traits.value->items.size(); i-- > 0;)  // a later trait wins
    if (api_value found = at(item(traits, i), key)) return found;
  return {};
}

std::string asyncapi_document::text(const api_value& map, std::string_view key) const {
  const api_value found = at(map, key);
  return found && found.value->is_scalar() && found.value->kind != node_kind::null ? found.value->text : "";
}

void asyncapi_document::note(const api_value& at, std::string message, std::string hint) const {
  const protocol::position where = at ? at.value->where : protocol::position{};
  const bool is_known = std::ranges::any_of(notes_, [&](const protocol::diagnostic& each) {
    return each.where == where && each.path == at.path && each.message == message;
  });
  if (!is_known) notes_.push_back({where, at.path, std::move(message), std::move(hint)});
}

void apply_extension(const api_value& extension, nlohmann::ordered_json& to) {
  if (!extension.is_map()) return;
  if (to.is_null()) to = nlohmann::ordered_json::object();
  for (const protocol::node_entry& each : entries_of(extension)) {
    if (each.value.kind == node_kind::null)
      to.erase(each.key);
    else
      to[each.key] = protocol::to_json(each.value);
  }
}

}  // namespace duplexd::config
