#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <set>
#include <string>

#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Tells when a configuration file may have changed (inotify(7)). Its folder is watched, because editors and
/// mounts put another file in its place, and the folder of the file that it is a link to. Of a folder all
/// files are watched that belong to its configuration.
class config_watch {
 public:
  /// After a change the file is left alone for so long before that is told, and no longer than `patience`:
  /// who writes it has come to an end.
  static constexpr std::chrono::milliseconds quiet{200};
  static constexpr std::chrono::seconds patience{2};

  /// Begins to watch. Null if it cannot, and why.
  [[nodiscard]] static std::unique_ptr<config_watch> open(std::string file, std::string& error);

  explicit config_watch(std::string file) : file_(std::move(file)) {}
  ~config_watch();
  config_watch(const config_watch&) = delete;
  config_watch& operator=(const config_watch&) = delete;

  /// Waits on this loop from now on. Call once.
  void attach(const asio::any_io_executor& loop) {
    on_loop_ = std::make_unique<asio::posix::stream_descriptor>(loop, inotify_);
  }

  /// Suspends until there may have been a change since the last time. False when cancelled, or when the file
  /// can no longer be watched: see `failed()`.
  asio::awaitable<bool> changed(clock& time);

  [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] bool watch_folders();
  asio::awaitable<bool> readable();
  [[nodiscard]] bool take_events();

  const std::string file_;
  int inotify_ = -1;
  std::unique_ptr<asio::posix::stream_descriptor> on_loop_;
  bool is_folder_ = false;
  std::set<int> folders_;                     ///< as inotify numbers them
  std::set<std::string, std::less<>> names_;  ///< that the file has in the folders
  std::string failed_;
};

}  // namespace duplexd
