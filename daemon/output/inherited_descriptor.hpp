#pragma once

#include <cstdint>
#include <string_view>

namespace duplexd {

/// A descriptor that others gave us and may share (stdout, stderr), written without ever blocking and without
/// making it non-blocking for them: a pipe or terminal is reopened through /proc, a socket is written with
/// MSG_DONTWAIT, a file does not block.
class inherited_descriptor {
 public:
  explicit inherited_descriptor(int inherited);
  ~inherited_descriptor();
  inherited_descriptor(const inherited_descriptor&) = delete;
  inherited_descriptor& operator=(const inherited_descriptor&) = delete;

  /// Writes what fits now. Returns the number of bytes, 0 if none fit, or -1 with errno set. Nothing fits
  /// into a file either while its disk is full, or its quota or the process's limit is reached: what is
  /// written stays, because others may write there too, and the rest is to be tried again later.
  [[nodiscard]] std::int64_t write_some(std::string_view data);

  /// The errno for which a file took nothing at the last write; 0: it took something.
  [[nodiscard]] int held_up() const noexcept { return held_up_; }
  [[nodiscard]] bool is_file() const noexcept { return file_; }

  /// To be waited on; -1 if there is none. Stays ours.
  [[nodiscard]] int handle() const noexcept { return handle_; }
  [[nodiscard]] bool is_pipe() const noexcept { return pipe_; }

 private:
  enum class kind : std::uint8_t { file, socket, reopened, shared_pipe };
  [[nodiscard]] bool writable_now() const;

  kind kind_ = kind::file;
  bool pipe_ = false;
  bool file_ = false;  ///< a regular one
  int held_up_ = 0;
  int handle_ = -1;
};

}  // namespace duplexd
