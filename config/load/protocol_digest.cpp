#include "config/load/protocol_digest.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "protocol/document/node_json.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;

namespace {

using word_set = std::set<std::string, std::less<>>;

void add_words(std::string_view text, word_set& to) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  constexpr std::string_view digits = "0123456789";
  for (;;) {
    const auto begin = text.find_first_of(letters);
    if (begin == std::string_view::npos) return;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_not_of(letters));
    to.emplace(word);
    // A number may stand in front of a name.
    to.emplace(word.substr(std::min(word.size(), word.find_first_not_of(digits))));
    text.remove_prefix(word.size());
  }
}

void add_words(const node& from, word_set& to) {
  add_words(from.text, to);
  for (const node& each : from.items) add_words(each, to);
  for (const node_entry& each : from.entries) {
    add_words(each.key, to);
    add_words(each.value, to);
  }
}

/// The layouts that a command may use, directly or through others.
word_set used_by(const node* commands, const node& layouts) {
  word_set words;
  word_set used;
  if (commands != nullptr) add_words(*commands, words);
  for (bool grows = true; grows;) {
    grows = false;
    for (const node_entry& each : layouts.entries) {
      if (!words.contains(each.key) || !used.insert(each.key).second) continue;
      add_words(each.value, words);
      grows = true;
    }
  }
  return used;
}

bool follows_another(const node& reply) {
  const node* const when = reply.find("when");
  return when != nullptr && when->find("after") != nullptr;
}

/// Whether a text in it goes on in the next packet.
bool carries(const node& from) {
  const node* const invalid = from.find("invalid");
  return (invalid != nullptr && invalid->text == "carry") || std::ranges::any_of(from.items, carries) ||
         std::ranges::any_of(from.entries, [](const node_entry& each) { return carries(each.value); });
}

/// Whether what one message was matters for the next.
bool remembers(const node& definition, const node* replies) {
  const node* const framing = definition.find("framing");
  const node* const mode = framing == nullptr ? nullptr : framing->find("mode");
  const bool is_stream =
      framing != nullptr && (framing->text == "layouts" || (mode != nullptr && mode->text == "stream"));
  return is_stream || carries(definition) ||
         (replies != nullptr && std::ranges::any_of(replies->items, follows_another));
}

std::string text_of(const std::map<std::string, const node*>& parts) {
  std::string text;
  for (const auto& [name, value] : parts)
    text += name + "=" +
            protocol::to_json(*value).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
            "\n";
  return text;
}

}  // namespace

protocol_parts parts_of(const node& definition) {
  std::map<std::string, const node*> fixed;
  std::map<std::string, const node*> live;
  const node* const replies = definition.find("replies");
  const node* const layouts = definition.find("layouts");
  for (const node_entry& each : definition.entries)
    (&each.value == replies ? live : fixed)[each.key] = &each.value;
  if (layouts != nullptr && !layouts->entries.empty()) {
    fixed.erase("layouts");
    const word_set used = used_by(definition.find("commands"), *layouts);
    for (const node_entry& each : layouts->entries)
      (used.contains(each.key) ? fixed : live)["layouts." + each.key] = &each.value;
  }
  protocol_parts made;
  if (remembers(definition, replies))
    fixed.merge(live);
  else
    made.replies = text_of(live);
  made.fixed = text_of(fixed);
  if (replies == nullptr) return made;
  for (const node& each : replies->items)
    if (const node* const name = each.find("as")) made.names.push_back(name->text);
  return made;
}

}  // namespace duplexd::config
