#include "daemon/output/compress_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>

namespace duplexd {

namespace {

using config::file_compression;

constexpr std::size_t chunk = 256u << 10;  // bytes

bool write_gzip(std::ifstream& from, int to) {
  const int own = ::fcntl(to, F_DUPFD_CLOEXEC, 0);
  gzFile out = own < 0 ? nullptr : gzdopen(own, "wb");
  if (out == nullptr) {
    if (own >= 0) ::close(own);
    return false;
  }
  std::string room(chunk, '\0');
  bool good = true;
  while (good && (from.read(room.data(), static_cast<std::streamsize>(room.size())), from.gcount() > 0))
    good = gzwrite(out, room.data(), static_cast<unsigned>(from.gcount())) == from.gcount();
  return (gzclose(out) == Z_OK) && good && from.eof();
}

bool write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(to, text.data(), text.size());
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool write_zstd(std::ifstream& from, int to) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), &ZSTD_freeCCtx};
  std::string room(chunk, '\0');
  std::string made(ZSTD_CStreamOutSize(), '\0');
  bool more = context != nullptr;
  while (more) {
    from.read(room.data(), static_cast<std::streamsize>(room.size()));
    more = from.gcount() == static_cast<std::streamsize>(room.size());
    ZSTD_inBuffer in{room.data(), static_cast<std::size_t>(from.gcount()), 0};
    bool done = false;
    while (!done) {
      ZSTD_outBuffer part{made.data(), made.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(context.get(), &part, &in, more ? ZSTD_e_continue : ZSTD_e_end);
      if (ZSTD_isError(left) != 0 || !write_all(to, {made.data(), part.pos})) return false;
      done = more ? in.pos == in.size : left == 0;
    }
  }
  return context != nullptr && from.eof();
}

// Nobody can read more of it than of the file itself.
bool write_to(const std::string& partial, std::ifstream& from, file_compression how, bool is_durable) {
  ::unlink(partial.c_str());
  const int to = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (to < 0) return false;
  bool good = how == file_compression::gzip ? write_gzip(from, to) : write_zstd(from, to);
  if (is_durable) good = good && ::fsync(to) == 0;
  return (::close(to) == 0) && good;
}

}  // namespace

bool sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return false;
  const bool good = ::fsync(opened) == 0;
  const int error = errno;
  ::close(opened);
  errno = error;
  return good;
}

std::string compress_file(const std::string& path, file_compression how, bool is_durable) {
  const std::string to = path + (how == file_compression::gzip ? ".gz" : ".zst");
  const std::string partial = to + ".part";
  std::ifstream from(path, std::ios::binary);
  if (!from || !write_to(partial, from, how, is_durable) || ::rename(partial.c_str(), to.c_str()) != 0) {
    ::unlink(partial.c_str());
    return fmt::format("cannot compress {}: it stays as it is", path);
  }
  if (is_durable && !sync_folder_of(to)) return fmt::format("cannot sync the folder of {}: both stay", to);
  ::unlink(path.c_str());
  return "";
}

}  // namespace duplexd
