#include "daemon/output/record_batch.hpp"

#include <algorithm>

namespace duplexd {

namespace {

// Names of sessions and replies are short; one that is not is cut.
std::string_view bounded(std::string_view text) noexcept {
  return text.substr(0, 0xffff);
}

}  // namespace

void record_batch::add(const session_event& happened, std::string_view text, std::uint64_t number) {
  const auto session = bounded(happened.session);
  const auto time = bounded(happened.time);
  const auto name = bounded(happened.name);
  entry& made = records_.emplace_back();
  made.texts.reserve(session.size() + time.size() + name.size() + text.size());
  made.texts.append(session).append(time).append(name).append(text);
  made.session = static_cast<std::uint16_t>(session.size());
  made.time = static_cast<std::uint16_t>(time.size());
  made.name = static_cast<std::uint16_t>(name.size());
  made.what = happened.what;
  made.number = number;
  bytes_ += made.size();
}

void record_batch::drop_first(std::size_t count) {
  for (count = std::min(count, records_.size()); count > 0; --count) {
    bytes_ -= records_.front().size();
    records_.pop_front();
  }
}

record_batch::record record_batch::operator[](std::size_t index) const {
  const entry& at = records_[index];
  std::string_view rest = at.texts;
  const auto take = [&rest](std::size_t count) {
    const std::string_view part = rest.substr(0, count);
    rest.remove_prefix(count);
    return part;
  };
  record out;
  out.what = at.what;
  out.session = take(at.session);
  out.time = take(at.time);
  out.name = take(at.name);
  out.text = rest;
  out.number = at.number;
  return out;
}

}  // namespace duplexd
