#include "daemon/session/script/handler_index.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

namespace duplexd {

namespace {

// A member that must stand in a reply's JSON.
struct text_member {
  std::vector<std::string> names;  // any of them
  std::string text;
};

// "a.b" leads to a member "b" of "a", or to one called "a.b". A number may be the place in a list: such a
// path names no member.
std::vector<std::string> last_names(std::string_view path) {
  std::vector<std::string> names;
  for (;;) {
    const bool digits = std::ranges::all_of(path, [](char c) { return c >= '0' && c <= '9'; });
    if (digits || !is_plain_text(path)) return {};
    names.push_back(quoted_text(path));
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return names;
    path.remove_prefix(dot + 1);
  }
}

std::optional<text_member> needed_member(const nlohmann::ordered_json& where) {
  if (!where.is_object()) return std::nullopt;
  for (const auto& [path, wanted] : where.items()) {
    if (!wanted.is_string() || path == "*") continue;
    const auto& text = wanted.get_ref<const std::string&>();
    auto names = last_names(path);
    if (!names.empty() && is_plain_text(text)) return text_member{std::move(names), text};
  }
  return std::nullopt;
}

// Past the spaces at `at`; npos at the end.
std::size_t skip_spaces(std::string_view json, std::size_t at) {
  return json.find_first_not_of(" \t\r\n", at);
}

}  // namespace

void handler_index::add(mailbox& box) {
  looked_at_.add_all_of(box.looked_at());
  const std::size_t place = boxes_.size();
  boxes_.push_back(&box);
  const auto needed = box.depends() ? std::nullopt : needed_member(box.rule().where.unresolved());
  if (!needed) return unindexed_.push_back(place);
  for (const std::string& name : needed->names) by_name_[name][needed->text].push_back(place);
}

// Without escapes each text is written in one way.
void handler_index::find_candidates(std::string_view json) {
  for (const auto& [name, texts] : by_name_) {
    const char* const end = json.data() + json.size();
    const char* at = json.data();
    while (const void* found = ::memmem(at, static_cast<std::size_t>(end - at), name.data(), name.size())) {
      at = static_cast<const char*>(found) + name.size();
      auto place = skip_spaces(json, static_cast<std::size_t>(at - json.data()));
      if (place == std::string_view::npos || json[place] != ':') continue;
      place = skip_spaces(json, place + 1);
      if (place == std::string_view::npos || json[place] != '"') continue;
      const auto close = json.find('"', place + 1);
      if (close == std::string_view::npos) continue;
      const auto handlers = texts.find(json.substr(place + 1, close - place - 1));
      if (handlers == texts.end()) continue;
      candidates_.insert(candidates_.end(), handlers->second.begin(), handlers->second.end());
    }
  }
}

void handler_index::offer(offered_reply& reply) {
  candidates_ = unindexed_;
  if (!by_name_.empty()) {
    if (reply.has_escapes()) {
      candidates_.resize(boxes_.size());
      std::iota(candidates_.begin(), candidates_.end(), std::size_t{0});
    } else {
      find_candidates(reply.json());
    }
  }
  std::ranges::sort(candidates_);
  candidates_.erase(std::ranges::unique(candidates_).begin(), candidates_.end());
  for (const std::size_t each : candidates_) boxes_[each]->offer(reply);
}

}  // namespace duplexd
