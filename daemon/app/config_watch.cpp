#include "daemon/app/config_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/load/config_folder.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"

namespace duplexd {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
constexpr std::uint32_t losses = IN_DELETE | IN_MOVED_FROM;  // a file less is another configuration

// What Kubernetes replaces when a ConfigMap changes: a link to the folder of all files.
constexpr const char* mounted = "..data";

}  // namespace

std::unique_ptr<config_watch> config_watch::open(std::string file, std::string& error) {
  auto made = std::make_unique<config_watch>(std::move(file));
  made->inotify_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (made->inotify_ < 0) made->failed_ = std::strerror(errno);
  if (made->inotify_ >= 0 && made->watch_folders()) return made;
  error = made->file_ + ": cannot be watched: " + made->failed_;
  return nullptr;
}

config_watch::~config_watch() {
  if (on_loop_) on_loop_->release();
  if (inotify_ >= 0) ::close(inotify_);
}

// Again after each change: the file may be a link to elsewhere now.
bool config_watch::watch_folders() {
  names_ = {mounted};
  std::set<int> folders;
  std::error_code ignored;
  const fs::path named = fs::absolute(file_, ignored);
  const fs::path real = fs::weakly_canonical(named, ignored);
  is_folder_ = fs::is_directory(real, ignored);
  for (const fs::path& each : {named, real}) {
    if (!is_folder_) names_.insert(each.filename().string());
    const fs::path watched = is_folder_ ? each : each.parent_path();
    const int folder =
        ::inotify_add_watch(inotify_, watched.c_str(), is_folder_ ? changes | losses : changes);
    if (folder < 0) failed_ = watched.string() + ": " + std::strerror(errno);
    if (folder < 0) return false;
    folders.insert(folder);
  }
  for (const int each : std::exchange(folders_, folders))
    if (!folders.contains(each)) ::inotify_rm_watch(inotify_, each);
  return true;
}

/// Takes what there is. Whether it may concern the configuration.
bool config_watch::take_events() {
  bool concerns = false;
  alignas(inotify_event) std::array<char, 4096> room{};
  for (;;) {
    const auto size = ::read(inotify_, room.data(), room.size());
    if (size <= 0) return concerns;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, room.data() + at, sizeof(event));
      const char* const name = event.len == 0 ? "" : room.data() + at + sizeof(event);
      const bool is_gone = (event.mask & IN_IGNORED) != 0 && folders_.contains(event.wd);
      const bool is_unknown = (event.mask & IN_Q_OVERFLOW) != 0;
      const bool is_one =
          names_.contains(std::string_view(name)) || (is_folder_ && config::is_config_name(name));
      concerns = concerns || is_gone || is_unknown || is_one;
      at += sizeof(event) + event.len;
    }
  }
}

asio::awaitable<bool> config_watch::readable() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  const auto [error] = co_await on_loop_->async_wait(asio::posix::stream_descriptor::wait_read, as_value);
  co_return !error;
}

asio::awaitable<bool> config_watch::changed(clock& time) {
  bool concerns = false;
  while (!concerns) {
    const bool more = co_await readable();
    if (!more) co_return false;
    concerns = take_events();
  }
  const auto last = time.now() + patience;
  auto settled = time.now() + quiet;
  while (time.now() < std::min(settled, last)) {
    auto more = readable();
    const auto came =
        co_await within(on_loop_->get_executor(), time, std::min(settled, last), std::move(more));
    const bool stopped = co_await cancelled();
    if (stopped) co_return false;
    if (came && take_events()) settled = time.now() + quiet;
  }
  co_return watch_folders();
}

}  // namespace duplexd
