#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "daemon/capture/capture.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// A file that lines are added to. Only its owner may read it.
class capture_file {
 public:
  /// Opens the file, made with mode 0600 if need be. Nothing, and `why`, if that cannot be done.
  [[nodiscard]] static std::unique_ptr<capture_file> open(const std::string& path, std::string& why);
  ~capture_file();
  capture_file(const capture_file&) = delete;
  capture_file& operator=(const capture_file&) = delete;

  /// Writes all of it; an empty text, or why not. Of what did not fit whole lines are left.
  [[nodiscard]] std::string append(std::string_view lines) const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  capture_file(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  void take_back(std::string_view half_line) const;

  std::string path_;
  int descriptor_;
};

/// Told of each entry as it is recorded.
using capture_watcher = std::function<void(const capture_entry&)>;

/// Writes a capture: one for the daemon, used on the loop's thread. Lines of one turn of the loop leave with
/// one write. A write that fails is told once and ends the recording, nothing else.
class recorder {
 public:
  recorder(const asio::any_io_executor& loop, const clock& time, telemetry& telemetry,
           const secret_index& secrets, std::unique_ptr<capture_file> file, capture_watcher watcher = {});
  ~recorder();
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;

  void opened(const std::string& session);
  void message(const std::string& session, capture_way way, protocol::frame_view what);
  void close(const std::string& session, capture_way way, const close_reason& reason);
  /// `failed` is null if no fault ended the link.
  void ended(const std::string& session, const fault* failed);

 private:
  [[nodiscard]] capture_entry entry(const std::string& session, capture_event what) const;
  [[nodiscard]] std::string masked(std::string text) const;
  void write(const capture_entry& what);
  void flush();

  asio::any_io_executor loop_;
  const clock& time_;
  telemetry& telemetry_;
  std::unique_ptr<capture_file> file_;  ///< null: nothing is written, or a write has failed
  capture_watcher watcher_;
  const secret_index& secrets_;
  std::string pending_;
};

}  // namespace duplexd
