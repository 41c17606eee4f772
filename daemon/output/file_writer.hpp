#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "config/value/path_pattern.hpp"
#include "daemon/output/event_writer.hpp"

namespace duplexd {

/// Appends to files, whole records only: what a write could not finish is taken off again. A file that was
/// renamed or deleted is reopened at the next write, one that was truncated is continued at its new end.
class file_writer final : public event_writer {
 public:
  file_writer(const config::output_settings& settings, config::path_pattern path);
  ~file_writer() override;

  [[nodiscard]] progress write(const record_batch& records) override;
  /// Ends files by their age, closes idle ones, and deletes what is not to be kept.
  void tidy() override;

  /// At most so many files are open; the one not written for longest is closed.
  static constexpr std::size_t most_open = 64;

 private:
  struct open_file;
  /// The file at that path, open; null: `error` says why not.
  open_file* find(const std::string& path, std::string& error);
  /// How many bytes of `text`, which ends at the given places, were written; all or up to one of these
  /// places.
  [[nodiscard]] std::size_t append(open_file& to, std::string_view text, const std::vector<std::size_t>& ends,
                                   std::string& error);
  /// Whether what it writes is on the disk before it counts as written.
  [[nodiscard]] bool is_synced() const noexcept { return settings_.sync || settings_.durable; }
  [[nodiscard]] std::size_t room_of(const open_file& at) const;
  void rotate_if_due(const std::string& path, std::string& error);
  void end(const std::string& path, std::string& error);
  void delete_old();

  config::output_settings settings_;
  config::path_pattern path_;
  std::map<std::string, std::unique_ptr<open_file>> open_;
  std::uint64_t turn_ = 0;    ///< counts writes
  std::uint64_t tidied_ = 0;  ///< at the last `tidy`
};

}  // namespace duplexd
