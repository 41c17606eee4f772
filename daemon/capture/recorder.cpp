#include "daemon/capture/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

namespace duplexd {

namespace {

std::string last_error() {
  return std::generic_category().message(errno);
}

// A line that an earlier end cut short stays a line of its own.
bool ends_in_line(int file, off_t size) {
  char last = '\n';
  return size == 0 || (pread(file, &last, 1, size - 1) == 1 && last == '\n');
}

}  // namespace

std::unique_ptr<capture_file> capture_file::open(const std::string& path, std::string& why) {
  // Not blocked by a pipe that nobody reads: it is refused below.
  const int file =
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (file < 0) {
    why = path + ": " + last_error();
    return nullptr;
  }
  std::unique_ptr<capture_file> made{new capture_file(path, file)};
  struct stat status{};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    why = path + ": not a regular file";
    return nullptr;
  }
  if (!ends_in_line(file, status.st_size)) why = made->append("\n");
  if (!why.empty()) made.reset();
  return made;
}

capture_file::~capture_file() {
  ::close(descriptor_);
}

std::string capture_file::append(std::string_view lines) const {
  std::size_t written = 0;
  while (written < lines.size()) {
    const auto count = ::write(descriptor_, lines.data() + written, lines.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      std::string why = last_error();
      const auto whole = lines.substr(0, written).rfind('\n');
      take_back(lines.substr(0, written).substr(whole == std::string_view::npos ? 0 : whole + 1));
      return why;
    }
    written += static_cast<std::size_t>(count);
  }
  return {};
}

// Unless another process has written behind it.
void capture_file::take_back(std::string_view half_line) const {
  struct stat status{};
  if (half_line.empty() || fstat(descriptor_, &status) != 0) return;
  std::string last(half_line.size(), '\0');
  const off_t begin = status.st_size - static_cast<off_t>(last.size());
  if (begin < 0 || pread(descriptor_, last.data(), last.size(), begin) != static_cast<ssize_t>(last.size()))
    return;
  if (last == half_line && ::ftruncate(descriptor_, begin) != 0) return;  // then it stays
}

recorder::recorder(const asio::any_io_executor& loop, const clock& time, telemetry& telemetry,
                   const secret_index& secrets, std::unique_ptr<capture_file> file, capture_watcher watcher)
    : loop_(loop),
      time_(time),
      telemetry_(telemetry),
      file_(std::move(file)),
      watcher_(std::move(watcher)),
      secrets_(secrets) {}

recorder::~recorder() {
  flush();
}

capture_entry recorder::entry(const std::string& session, capture_event what) const {
  return {.time = time_.wall(), .session = session, .event = what};
}

std::string recorder::masked(std::string text) const {
  secrets_.mask(text);
  return text;
}

void recorder::opened(const std::string& session) {
  write(entry(session, capture_event::opened));
}

// What was made from references may hold them in a form that nobody can find: if none is found, or the
// message is binary, all of it is left out.
void recorder::message(const std::string& session, capture_way way, protocol::frame_view what) {
  if (!file_ && !watcher_) return;
  capture_entry made = entry(session, capture_event::message);
  std::string bytes(what.bytes.begin(), what.bytes.end());
  made.way = way;
  made.kind = what.kind;
  made.size = bytes.size();
  if (what.kind == protocol::frame_kind::text) {
    const auto scope = what.confidential ? secret_index::scope::all : secret_index::scope::long_enough;
    const bool found = secrets_.mask(bytes, scope);
    made.redacted = found || what.confidential;
    if (found || !what.confidential) made.bytes = std::move(bytes);
  } else {
    made.redacted = what.confidential || secrets_.in(bytes);
    if (!made.redacted) made.bytes = std::move(bytes);
  }
  write(made);
}

void recorder::close(const std::string& session, capture_way way, const close_reason& reason) {
  capture_entry made = entry(session, capture_event::close);
  made.way = way;
  made.reason = {reason.code, masked(reason.text)};
  write(made);
}

void recorder::ended(const std::string& session, const fault* failed) {
  capture_entry made = entry(session, capture_event::ended);
  if (failed != nullptr) {
    made.fault = config::name_of(failed->kind);
    made.cause = masked(failed->cause);
  }
  write(made);
}

void recorder::write(const capture_entry& what) {
  if (watcher_) watcher_(what);
  if (!file_) return;
  if (pending_.empty()) asio::post(loop_, [this] { flush(); });
  append_capture_line(pending_, what);
}

void recorder::flush() {
  if (!file_) return;
  const std::string why = file_->append(pending_);
  pending_.clear();
  if (why.empty()) return;
  const std::string path = file_->path();
  file_.reset();
  telemetry_.record("", happening::output_closed{"capture " + path, why});
}

}  // namespace duplexd
