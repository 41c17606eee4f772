#include "daemon/output/file_writer.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <vector>

#include "daemon/output/compress_file.hpp"

namespace duplexd {

namespace {

namespace fs = std::filesystem;
using system_time = std::chrono::system_clock::time_point;

constexpr std::size_t chunk = 256u << 10;  // bytes of one write

std::string words(std::string_view what, const std::string& path) {
  return fmt::format("{} {}: {}", what, path, std::generic_category().message(errno));
}

std::string path_for(const config::path_pattern& pattern, const record_batch::record& of) {
  return pattern.path_of(of.session, of.name, of.time);
}

// What a kill or a power cut left of a last record, if records are lines: a durable output writes it again.
bool cut_torn_line(int file, off_t size) {
  constexpr off_t step = 64 * 1024;
  std::array<char, step> part{};
  for (off_t end = size; end > 0; end -= std::min(end, step)) {
    const off_t begin = std::max<off_t>(0, end - step);
    if (::pread(file, part.data(), static_cast<std::size_t>(end - begin), begin) != end - begin) return false;
    const std::string_view text{part.data(), static_cast<std::size_t>(end - begin)};
    if (const auto last = text.rfind('\n'); last != std::string_view::npos) {
      const off_t whole = begin + static_cast<off_t>(last) + 1;
      return whole == size || ::ftruncate(file, whole) == 0;
    }
  }
  return ::ftruncate(file, 0) == 0;
}
}  // namespace

struct file_writer::open_file {
  int handle = -1;
  dev_t device = 0;
  ino_t inode = 0;
  std::uint64_t turn = 0;  ///< when it was last written
  system_time begun;

  open_file() = default;
  ~open_file() {
    if (handle >= 0) ::close(handle);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  [[nodiscard]] bool is_at(const std::string& path) const {
    struct stat there{};
    return ::stat(path.c_str(), &there) == 0 && there.st_dev == device && there.st_ino == inode;
  }
  [[nodiscard]] std::uint64_t size() const {
    struct stat status{};
    return ::fstat(handle, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
};

file_writer::file_writer(const config::output_settings& settings, config::path_pattern path)
    : settings_(settings), path_(std::move(path)) {}

file_writer::~file_writer() = default;

file_writer::open_file* file_writer::find(const std::string& path, std::string& error) {
  const auto known = open_.find(path);
  if (known != open_.end()) {
    if (known->second->is_at(path)) return known->second.get();
    open_.erase(known);
  }
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  auto made = std::make_unique<open_file>();
  const int access = settings_.durable ? O_RDWR : O_WRONLY;  // to look for half a record
  made->handle = ::open(path.c_str(), access | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  struct stat status{};
  if (made->handle < 0 || ::fstat(made->handle, &status) != 0) {
    error = words("cannot open", path);
    return nullptr;
  }
  if (!S_ISREG(status.st_mode)) {
    error = fmt::format("{} is not a regular file", path);
    return nullptr;
  }
  const bool lines = settings_.record.form != config::record_form::msgpack &&
                     settings_.record.form != config::record_form::raw;
  if (settings_.durable && lines && status.st_size > 0 && !cut_torn_line(made->handle, status.st_size)) {
    error = words("cannot remove what is left of a record from", path);
    return nullptr;
  }
  if (is_synced() && status.st_size == 0 && !sync_folder_of(path)) {
    error = words("cannot sync the folder of", path);
    return nullptr;
  }
  made->device = status.st_dev;
  made->inode = status.st_ino;
  // A file that was there already is as old as what was last written to it, as far as one can know.
  made->begun = status.st_size == 0 ? std::chrono::system_clock::now()
                                    : std::chrono::system_clock::from_time_t(status.st_mtime);
  if (open_.size() >= most_open)
    open_.erase(std::ranges::min_element(open_, {}, [](const auto& each) { return each.second->turn; }));
  return open_.emplace(path, std::move(made)).first->second.get();
}

std::size_t file_writer::append(open_file& to, std::string_view text, const std::vector<std::size_t>& ends,
                                std::string& error) {
  const std::uint64_t before = to.size();
  std::size_t written = 0;
  while (written < text.size()) {
    const auto count = ::write(to.handle, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      error = std::generic_category().message(errno);
      break;
    }
    written += static_cast<std::size_t>(count);
  }
  std::size_t whole = 0;
  for (const std::size_t end : ends)
    if (end <= written) whole = end;
  if (whole < written && ::ftruncate(to.handle, static_cast<off_t>(before + whole)) != 0)
    error += ", and half a record stays in it";
  if (is_synced() && whole > 0 && ::fdatasync(to.handle) != 0) {
    if (error.empty()) error = std::generic_category().message(errno);
    whole = 0;  // written again, because nobody knows what has reached the disk
  }
  return whole;
}

// How much may be written at once: not beyond the size at which the file ends.
std::size_t file_writer::room_of(const open_file& at) const {
  const std::uint64_t size = settings_.rotate.size == 0 ? 0 : at.size();
  if (settings_.rotate.size <= size) return chunk;
  return std::min<std::size_t>(chunk, settings_.rotate.size - size);
}

// Records for the same file that follow each other leave with one write.
event_writer::progress file_writer::write(const record_batch& records) {
  progress made;
  std::string text;
  std::vector<std::size_t> ends;
  while (made.written < records.size() && made.failed.empty()) {
    const std::string path = path_for(path_, records[made.written]);
    open_file* file = find(path, made.failed);
    if (file == nullptr) break;
    const std::size_t room = room_of(*file);
    text.clear();
    ends.clear();
    for (std::size_t i = made.written; i < records.size() && text.size() < room; ++i) {
      const auto record = records[i];
      if (i > made.written && path_for(path_, record) != path) break;
      text.append(record.text);
      ends.push_back(text.size());
    }
    file->turn = ++turn_;
    const std::size_t whole = append(*file, text, ends, made.failed);
    made.written += static_cast<std::size_t>(std::ranges::upper_bound(ends, whole) - ends.begin());
    if (!made.failed.empty())
      made.failed = fmt::format("cannot write {}: {}", path, made.failed);
    else
      rotate_if_due(path, made.failed);
  }
  return made;
}

void file_writer::rotate_if_due(const std::string& path, std::string& error) {
  const auto& at = *open_.at(path);
  const auto age = std::chrono::system_clock::now() - at.begun;
  const bool large = settings_.rotate.size != 0 && at.size() >= settings_.rotate.size;
  const bool old = settings_.rotate.age.count() != 0 && age >= settings_.rotate.age;
  if (!large && !old) return;
  end(path, error);
  delete_old();
}

void file_writer::end(const std::string& path, std::string& error) {
  open_.erase(path);
  const auto now = std::chrono::system_clock::now();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::string stamp = fmt::format(
      "{:%Y%m%dT%H%M%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), micros % 1'000'000);
  const std::string ended = config::path_pattern::ended(path, stamp);
  if (::rename(path.c_str(), ended.c_str()) != 0) {
    error = words("cannot rename", path);
    return;
  }
  if (settings_.compress != config::file_compression::none)
    error = compress_file(ended, settings_.compress, is_synced());
}

// Ended files, and those whose time has passed: all that fit the pattern and are not open. The newest are
// kept.
void file_writer::delete_old() {
  const auto& keep = settings_.keep;
  if (keep.files == 0 && keep.size == 0 && keep.age.count() == 0) return;
  struct ended_file {
    fs::path path;
    std::uint64_t size;
    fs::file_time_type written;
  };
  std::vector<ended_file> ended;
  std::error_code failed;
  constexpr auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator each(path_.directory(), options, failed), last;
       each != last && !failed; each.increment(failed)) {
    std::error_code gone;
    const std::string path = each->path().lexically_normal().string();
    if (!each->is_regular_file(gone) || open_.contains(path) || !path_.may_have_made(path)) continue;
    const auto size = each->file_size(gone);
    const auto written = each->last_write_time(gone);
    if (!gone) ended.push_back({each->path(), size, written});
  }
  std::ranges::sort(ended, std::greater{}, &ended_file::written);
  std::uint64_t size = 0;
  std::size_t files = 0;
  for (const ended_file& each : ended) {
    size += each.size;
    ++files;
    const bool too_old = keep.age.count() != 0 && fs::file_time_type::clock::now() - each.written > keep.age;
    const bool too_many = (keep.files != 0 && files > keep.files) || (keep.size != 0 && size > keep.size);
    if (too_old || too_many) fs::remove(each.path, failed);
  }
}

void file_writer::tidy() {
  std::string ignored;  // told at the next write
  std::vector<std::string> paths;
  for (const auto& [path, file] : open_) paths.push_back(path);
  for (const std::string& path : paths) {
    const open_file& file = *open_.at(path);
    const bool idle = file.turn <= tidied_ && settings_.rotate.age.count() == 0;
    if (idle || !file.is_at(path))
      open_.erase(path);
    else if (file.size() > 0)
      rotate_if_due(path, ignored);
  }
  tidied_ = turn_;
  delete_old();
}

}  // namespace duplexd
