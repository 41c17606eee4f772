#include "daemon/output/datagram_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace duplexd {

namespace {

std::string words(int error) {
  return std::generic_category().message(error);
}

int datagram_socket(int family) {
  return ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/// A file in memory that nobody can change any more; -1 with errno set if there is none.
int sealed_file(std::string_view text) {
  const int file = memfd_create("duplexd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return -1;
  while (!text.empty()) {
    const auto count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (text.empty() && fcntl(file, F_ADD_SEALS, seals) == 0) return file;
  const int error = errno;
  ::close(file);
  errno = error;
  return -1;
}

/// Sends no bytes, and a descriptor; -1 with errno set if that failed.
ssize_t pass(int to, int file) {
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))]{};
  msghdr message{};
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &file, sizeof file);
  return ::sendmsg(to, &message, MSG_NOSIGNAL);
}

}  // namespace

datagram_writer::datagram_writer(const config::output_settings& settings, record_text text, bool passes_files)
    : settings_(settings), text_(std::move(text)), passes_files_(passes_files) {}

datagram_writer::~datagram_writer() {
  close();
}

void datagram_writer::close() noexcept {
  if (handle_ >= 0) ::close(handle_);
  handle_ = -1;
}

std::string datagram_writer::where() const {
  return settings_.socket.empty() ? config::host_port_text(settings_.address) : settings_.socket;
}

std::string datagram_writer::open() {
  std::string why = settings_.socket.empty() ? open_peer() : open_local();
  if (why.empty()) {
    const timeval limit{.tv_sec = seconds_for_room, .tv_usec = 0};
    setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return "";
  }
  close();
  return where() + ": " + why;
}

std::string datagram_writer::open_peer() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(settings_.address.port);
  if (const int code = getaddrinfo(settings_.address.host.c_str(), port.c_str(), &hints, &found); code != 0)
    return code == EAI_SYSTEM ? words(errno) : gai_strerror(code);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr && handle_ < 0; each = each->ai_next) {
    handle_ = datagram_socket(each->ai_family);
    if (handle_ >= 0 && ::connect(handle_, each->ai_addr, each->ai_addrlen) == 0) break;
    error = errno;
    close();
  }
  freeaddrinfo(found);
  return handle_ < 0 ? words(error) : "";
}

std::string datagram_writer::open_local() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (settings_.socket.size() >= sizeof address.sun_path) return words(ENAMETOOLONG);
  std::memcpy(address.sun_path, settings_.socket.data(), settings_.socket.size());
  handle_ = datagram_socket(AF_UNIX);
  const bool connected =
      handle_ >= 0 && ::connect(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return connected ? "" : words(errno);
}

int datagram_writer::send(std::string_view text) {
  ssize_t sent = 0;
  do {
    sent = ::send(handle_, text.data(), text.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return 0;
  const bool is_large = errno == EMSGSIZE || (errno == ENOBUFS && passes_files_);
  return is_large && passes_files_ ? send_as_file(text) : errno;
}

int datagram_writer::send_as_file(std::string_view text) {
  const int file = sealed_file(text);
  if (file < 0) return errno;
  ssize_t sent = 0;
  do {
    sent = pass(handle_, file);
  } while (sent < 0 && errno == EINTR);
  const int error = sent < 0 ? errno : 0;
  ::close(file);
  return error;
}

event_writer::progress datagram_writer::write(const record_batch& records) {
  progress made;
  const auto refuse = [&made](std::string why) {
    ++made.refused;
    made.refusal = std::move(why);
  };
  bool is_fresh = handle_ < 0;  // an old socket may be connected to a service that is gone
  while (made.written < records.size() && made.failed.empty()) {
    if (handle_ < 0) made.failed = open();
    if (!made.failed.empty()) break;
    const std::string text = text_(records[made.written]);
    const int error = send(text);
    if (error == 0) {
      ++made.written;
    } else if (error == EMSGSIZE) {
      refuse(fmt::format("{}: {} bytes are too large for a datagram", where(), text.size()));
      ++made.written;
    } else if (error == ECONNREFUSED && settings_.socket.empty()) {
      refuse(where() + ": nobody listens there, its system says");  // of an earlier one
    } else if (std::exchange(is_fresh, true)) {
      made.failed = where() + ": " + (error == EAGAIN ? "it takes nothing" : words(error));
      close();
    } else {
      close();
    }
  }
  return made;
}

}  // namespace duplexd
