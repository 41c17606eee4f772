#include "daemon/session/exchange/arrived_reply.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "config/script/match.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd {

using nlohmann::ordered_json;

void reply_budget::take(std::uint64_t bytes) noexcept {
  used_ += bytes;
  ++replies_;
}

void reply_budget::give_back(std::uint64_t bytes) {
  const bool had_room = has_room();
  used_ -= bytes;
  --replies_;
  if (!had_room && has_room()) freed_.notify();
}

asio::awaitable<void> reply_budget::wait_room() {
  bool go_on = true;
  while (go_on && !has_room()) go_on = co_await freed_.wait();
}

arrived_reply::arrived_reply(std::uint64_t number, const protocol::packet& packet,
                             std::shared_ptr<const protocol::protocol> types)
    : number_(number),
      types_(std::move(types)),
      bytes_(packet.frame.bytes.begin(), packet.frame.bytes.end()),
      packet_(packet) {
  packet_.frame.bytes = bytes_;
}

std::shared_ptr<const ordered_json> arrived_reply::values() const {
  if (auto known = values_.lock()) return known;
  auto made = std::make_shared<ordered_json>();
  if (protocol::read_json(packet_, *made)) return nullptr;
  values_ = made;
  return made;
}

void field_list::insert(std::string_view name) {
  if (!whole_ && std::ranges::find(names_, name) == names_.end()) names_.emplace_back(name);
  if (names_.size() > most) whole_ = true;
}

void field_list::add(std::string_view path) {
  if (path.empty() || path == "*") whole_ = true;
  insert(path);
  insert(path.substr(0, path.find('.')));
}

void field_list::add_all_of(const field_list& other) {
  whole_ = whole_ || other.whole_;
  for (const std::string& each : other.names_) insert(each);
}

void field_list::add_all_of(const ordered_json& where) {
  config::for_each_condition(where, [&](const std::string& path, const auto&) { add(path); });
}

bool is_plain_text(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c < 0x7f && c != '"' && c != '\\') ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

std::string quoted_text(std::string_view plain) {
  std::string quoted{'"'};
  quoted += plain;
  quoted += '"';
  return quoted;
}

std::string_view offered_reply::json() {
  if (json_.empty()) {
    if (protocol::write_json(packet_, text_)) text_ = "null";
    json_ = text_;
  }
  return json_;
}

const ordered_json& offered_reply::fields() {
  if (std::exchange(read_, true)) return fields_;
  if (looked_at_.whole() || !protocol::read_json_fields(json(), looked_at_.names(), fields_))
    fields_ = protocol::json_tree(json());
  return fields_;
}

bool offered_reply::has_escapes() {
  if (!has_escapes_) has_escapes_ = json().find('\\') != std::string_view::npos;
  return *has_escapes_;
}

bool offered_reply::lacks(const std::string& quoted) {
  const std::string_view text = json();
  return !has_escapes() && ::memmem(text.data(), text.size(), quoted.data(), quoted.size()) == nullptr;
}

const kept_reply& offered_reply::keep() {
  if (!kept_) kept_ = std::make_shared<const arrived_reply>(number_, packet_, types_);
  return kept_;
}

}  // namespace duplexd
