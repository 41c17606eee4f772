#include "daemon/output/broker_writer.hpp"

#include <utility>

#include "daemon/output/broker_message.hpp"

namespace duplexd {

broker_writer::broker_writer(std::unique_ptr<broker_link> link, manners how, module_host& host)
    : how_(std::move(how)), host_(host), link_(std::move(link)) {
  if (how_.idle_turns.count() > 0)
    keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
}

void broker_writer::look_after(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, how_.idle_turns, [] { return false; });
    (void)link_->is_open();
  }
}

std::string broker_writer::open() {
  if (link_->is_open()) return "";
  link_->close();
  return link_->open();
}

// As many as the window has room for.
std::string broker_writer::publish(const record_batch& records, const progress& made) {
  while (made.written + window_.size() < records.size()) {
    const auto record = records[made.written + window_.size()];
    const auto payload = payload_of(record);
    const std::size_t bytes = record.session.size() + record.name.size() + payload.size();
    if (!window_.has_room(bytes)) break;
    auto sent = link_->publish(
        {record.session, record.name, record.time, payload, record.number == 0 ? "" : records.id_of(record)});
    if (!sent.failed.empty()) return std::move(sent.failed);
    window_.add(sent.key, bytes);
    if (!sent.refusal.empty()) window_.answer(sent.key, std::move(sent.refusal));
  }
  return "";
}

// Answers for events, in the events' order.
std::string broker_writer::settle(const record_batch& records, progress& made) {
  while (auto refusal = window_.take()) {
    if (!refusal->empty()) {
      if (std::string failed = host_.keep_refused(records[made.written], *refusal); !failed.empty())
        return failed;
      made.is_kept = host_.keeps_refused();
      made.refusal = std::move(*refusal);
      ++made.refused;
    }
    ++made.written;
  }
  return "";
}

// What came before the connection's end counts.
std::string broker_writer::wait(const record_batch& records, progress& made, broker_link::deadline until) {
  auto answers = link_->wait(until);
  for (auto& each : answers.come) window_.answer(each.key, std::move(each.refusal));
  std::string failed = settle(records, made);
  return failed.empty() ? std::move(answers.failed) : failed;
}

event_writer::progress broker_writer::write(const record_batch& records) {
  const std::lock_guard lock(mutex_);
  progress made;
  window_ = {};
  std::string failed = open();
  auto until = std::chrono::steady_clock::now() + how_.timeout;
  while (failed.empty() && made.written < records.size()) {
    const std::size_t before = made.written;
    failed = publish(records, made);
    if (failed.empty()) failed = settle(records, made);
    if (failed.empty() && window_.size() > 0) failed = wait(records, made, until);
    if (made.written > before) until = std::chrono::steady_clock::now() + how_.timeout;
  }
  if (failed.empty()) return made;
  made.failed = how_.name + ": " + failed;
  link_->close();
  return made;
}

}  // namespace duplexd
