#include "tests/bench/link/rows.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/bench/link/meter.hpp"
#include "tests/bench/link/traffic.hpp"

namespace bench {

namespace {

constexpr int echoes_before_measuring = 200;

struct tally {
  std::int64_t count = 0;
  std::int64_t sum = 0;
};

void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void report(const request& wanted, tally done, const meter& spent, const std::string& more = {}) {
  print(fmt::format(R"({{"row":"{}","process":{},"count":{},"sum":{},"cpu_ns":{},"wall_ns":{}{}}})",
                    wanted.row, wanted.process, done.count, done.sum, spent.cpu(), spent.wall(), more));
}

const traffic& traffic_of(const std::string& row) {
  static const std::map<std::string, traffic> made = [] {
    std::map<std::string, traffic> all;
    all["receive"] = binary_traffic(16, packing::full_records);
    all["record"] = binary_traffic(16, packing::record_each);
    all["live"] = binary_traffic(16, packing::send_each);
    all["big"] = binary_traffic(65536, packing::full_records);
    all["text"] = text_traffic();
    all["deflate"] = deflated(all["text"]);
    return all;
  }();
  return made.at(row);
}

/// The next message that is not a control frame; control frames are answered.
std::optional<frame> read_message(connection& link) {
  while (auto next = link.read_frame()) {
    if (next->code < op_close) return next;
    if (!link.answer(*next)) break;
  }
  return std::nullopt;
}

bool write_close(connection& link) {
  std::string frame;
  append_header(frame, op_close, 2);
  frame += "\x03\xe8";  // 1000
  return link.write(frame) && link.flush();
}

bool write_burst(connection& link, const traffic& from, const burst& next, std::size_t messages) {
  const auto size = next.messages[messages - 1].end;
  return link.write(std::string_view{next.bytes}.substr(0, size)) &&
         (from.how != packing::send_each || link.flush());
}

bool write_messages(connection& link, const traffic& from, std::int64_t count, tally& done) {
  while (done.count < count) {
    for (const burst& next : from.cycle) {
      const auto messages = std::min<std::int64_t>(count - done.count, std::ssize(next.messages));
      if (messages == 0) break;
      if (!write_burst(link, from, next, static_cast<std::size_t>(messages))) return false;
      done.count += messages;
      done.sum += next.messages[static_cast<std::size_t>(messages) - 1].sum;
    }
  }
  return true;
}

void serve_receiver(connection& link, const request& wanted) {
  meter spent(wanted.process);
  if (!read_message(link)) return;
  tally done;
  spent.begin();
  if (!write_messages(link, traffic_of(wanted.row), wanted.count, done) || !write_close(link)) return;
  link.await_close();  // the client answers when it has read everything before
  spent.end();
  report(wanted, done, spent);
}

void serve_sender(connection& link, const request& wanted, meter spent) {
  tally done;
  while (done.count < wanted.count) {
    const auto next = read_message(link);
    if (!next) return;
    ++done.count;
    done.sum += number_of(next->payload);
  }
  spent.end();
  const std::string text = fmt::format(R"({{"count":{},"sum":{}}})", done.count, done.sum);
  std::string out;
  append_header(out, op_text, text.size());
  if (!link.write(out + text) || !write_close(link)) return;
  link.await_close();
  report(wanted, done, spent);
}

void serve_echo(connection& link, const request& wanted) {
  meter spent(wanted.process);
  std::vector<std::int64_t> cycles;
  cycles.reserve(static_cast<std::size_t>(wanted.count));
  tally done;
  std::int64_t before = 0;
  std::string out;
  while (done.count < wanted.count + echoes_before_measuring) {
    const auto next = read_message(link);
    if (!next) return;
    const auto now = meter::read(CLOCK_MONOTONIC);
    if (done.count >= echoes_before_measuring) cycles.push_back(now - before);
    before = now;
    if (++done.count == echoes_before_measuring) spent.begin();
    done.sum += number_of(next->payload);
    out.clear();
    append_header(out, next->code, next->payload.size());
    out.append(reinterpret_cast<const char*>(next->payload.data()), next->payload.size());
    if (!link.write(out) || !link.flush()) return;
  }
  spent.end();
  std::sort(cycles.begin(), cycles.end());
  const auto at = [&](std::size_t percent) { return cycles[cycles.size() * percent / 100]; };
  if (write_close(link)) link.await_close();
  report(wanted, done, spent, fmt::format(R"(,"p50_ns":{},"p99_ns":{})", at(50), at(99)));
}

void serve_handshake(connection& link, const request& wanted) {
  struct series {
    meter spent;
    std::int64_t connections = 0;
  };
  static std::mutex guard;
  static std::map<int, series> clients;
  {
    const std::lock_guard lock(guard);
    auto& mine = clients.try_emplace(wanted.process, series{meter(wanted.process)}).first->second;
    if (mine.connections++ == 0) mine.spent.begin();
    if (mine.connections == wanted.count + 1) {
      mine.spent.end();
      report(wanted, {wanted.count, 0}, mine.spent);
    }
  }
  if (write_close(link)) link.await_close();
}

/// Keeps idle connections: one thread for all of them.
class parking {
 public:
  parking() : poll_(epoll_create1(EPOLL_CLOEXEC)) {
    std::thread([this] { run(); }).detach();
  }

  void take(std::unique_ptr<connection> link, const request& wanted) {
    const std::lock_guard lock(guard_);
    const int socket = link->socket();
    links_[socket] = std::move(link);
    epoll_event interest{.events = EPOLLIN, .data = {.fd = socket}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &interest);
    if (std::ssize(links_) == wanted.count)
      print(fmt::format(R"({{"row":"idle","process":{},"count":{}}})", wanted.process, wanted.count));
  }

 private:
  void run() {
    for (;;) {
      epoll_event ready{};
      if (epoll_wait(poll_, &ready, 1, -1) != 1) continue;
      const std::lock_guard lock(guard_);
      const auto found = links_.find(ready.data.fd);
      if (found != links_.end() && !answer_all(*found->second)) links_.erase(found);
    }
  }

  static bool answer_all(connection& link) {
    do {
      const auto next = link.read_frame();
      if (!next || (next->code >= op_close && !link.answer(*next))) return false;
    } while (link.has_buffered());
    return true;
  }

  int poll_;
  std::mutex guard_;
  std::map<int, std::unique_ptr<connection>> links_;
};

}  // namespace

bool is_row(const std::string& name) {
  const auto names = {"receive", "record", "live", "big",       "text",
                      "deflate", "send",   "echo", "handshake", "idle"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

void serve(std::unique_ptr<connection> link, const request& wanted, const meter& since_upgrade) {
  if (wanted.row == "idle") {
    static auto* lot = new parking;  // lives as long as its thread: to the end
    lot->take(std::move(link), wanted);
  } else if (wanted.row == "echo") {
    serve_echo(*link, wanted);
  } else if (wanted.row == "handshake") {
    serve_handshake(*link, wanted);
  } else if (wanted.row == "send") {
    serve_sender(*link, wanted, since_upgrade);
  } else {
    serve_receiver(*link, wanted);
  }
}

}  // namespace bench
