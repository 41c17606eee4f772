// Datagrams to sockets of this machine and over the loopback.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "daemon/output/datagram_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/temporary_directory.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;
using lines = std::vector<std::string>;

namespace {

/// A socket that keeps what it gets.
class reader {
 public:
  explicit reader(const std::string& path) : handle_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  /// On some port of the loopback.
  reader() : handle_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(handle_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
  ~reader() { ::close(handle_); }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  /// What came; of a descriptor what its file holds.
  lines all() {
    lines got;
    std::string room(200'000, '\0');
    for (;;) {
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
      iovec vector{room.data(), room.size()};
      msghdr message{};
      message.msg_iov = &vector;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      const auto count = ::recvmsg(handle_, &message, 0);
      if (count < 0) return got;
      const cmsghdr* passed = CMSG_FIRSTHDR(&message);
      got.push_back(passed == nullptr ? room.substr(0, static_cast<std::size_t>(count)) : content_of(passed));
    }
  }
  std::uint16_t port = 0;
  int seals = 0;  ///< of the last file

 private:
  std::string content_of(const cmsghdr* passed) {
    int file = -1;
    std::memcpy(&file, CMSG_DATA(passed), sizeof file);
    seals = fcntl(file, F_GET_SEALS);
    struct stat status{};
    REQUIRE(fstat(file, &status) == 0);
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    CHECK(pread(file, text.data(), text.size(), 0) == status.st_size);
    ::close(file);
    return text;
  }
  int handle_;
};

config::output_settings to_socket(const std::string& path) {
  config::output_settings made{.name = "o", .type = config::output_type::journald};
  made.socket = path;
  return made;
}

config::output_settings to_port(std::uint16_t port) {
  config::output_settings made{.name = "o", .type = config::output_type::udp};
  made.address = {.secure = false, .host = "127.0.0.1", .port = port};
  return made;
}

/// A port that nobody listens on.
std::uint16_t free_port() {
  const reader gone;
  return gone.port;
}

}  // namespace

TEST_CASE("each record is a datagram", "[datagram]") {
  const net::test::temporary_directory place;
  const std::string path = place.path() / "s";
  reader local(path);
  reader peer;
  for (const auto& [settings, from] : {std::pair{to_socket(path), &local}, {to_port(peer.port), &peer}}) {
    datagram_writer writer(settings, [](const auto& record) { return "<" + std::string(record.text) + ">"; });
    const auto made = writer.write(batch_of({"a\n", "", "b"}));
    CHECK(made.written == 3);
    CHECK(made.failed.empty());
    CHECK(made.refused == 0);
    CHECK(from->all() == lines{"<a\n>", "<>", "<b>"});
  }
}

// The largest of IPv4: 65535 without the headers of IP and UDP.
TEST_CASE("what is too large for a datagram is refused, and what follows is sent", "[datagram]") {
  reader peer;
  datagram_writer writer(to_port(peer.port), text_as_it_is);
  const std::string largest(65'507, 'x');
  const auto made = writer.write(batch_of({largest, largest + "x", "a", largest + "xx"}));
  CHECK(made.written == 4);
  CHECK(made.refused == 2);
  CHECK(made.refusal ==
        "127.0.0.1:" + std::to_string(peer.port) + ": 65509 bytes are too large for a datagram");
  CHECK(peer.all() == lines{largest, "a"});
}

// Its system says so after a datagram was sent; what it says belongs to an earlier one.
TEST_CASE("datagrams that nobody listened to are counted as lost, and sending goes on", "[datagram]") {
  const std::uint16_t port = free_port();
  datagram_writer writer(to_port(port), text_as_it_is);
  const auto made = writer.write(batch_of({"a", "b", "c"}));
  CHECK(made.written == 3);
  CHECK(made.failed.empty());
  CHECK(made.refused == 2);
  CHECK(made.refusal == "127.0.0.1:" + std::to_string(port) + ": nobody listens there, its system says");
}

TEST_CASE("a socket that is not there is a failure, and a service that was restarted is found again",
          "[datagram]") {
  const net::test::temporary_directory place;
  const std::string path = place.path() / "s";
  datagram_writer writer(to_socket(path), text_as_it_is);
  auto made = writer.write(batch_of({"a"}));
  CHECK(made.written == 0);
  CHECK(made.failed == path + ": No such file or directory");
  {
    reader first(path);
    CHECK(writer.write(batch_of({"a"})).written == 1);
    CHECK(first.all() == lines{"a"});
  }
  made = writer.write(batch_of({"b"}));
  CHECK(made.written == 0);
  CHECK(made.failed == path + ": Connection refused");
  std::filesystem::remove(path);
  reader second(path);
  made = writer.write(batch_of({"b", "c"}));
  CHECK(made.written == 2);
  CHECK(second.all() == lines{"b", "c"});
  std::filesystem::remove(path);
  reader third(path);
  writer.tidy();
  CHECK(writer.write(batch_of({"d"})).written == 1);
  CHECK(third.all() == lines{"d"});
}

TEST_CASE("a name that does not exist, and a path that is too long", "[datagram]") {
  auto settings = to_port(9);
  settings.address.host = "nobody.invalid";
  datagram_writer nobody(settings, text_as_it_is);
  CHECK(nobody.write(batch_of({"a"})).failed.starts_with("nobody.invalid:9: "));
  const std::string path = "/" + std::string(107, 'x');
  datagram_writer beyond(to_socket(path), text_as_it_is);
  CHECK(beyond.write(batch_of({"a"})).failed == path + ": File name too long");
  datagram_writer longest(to_socket(path.substr(1)), text_as_it_is);
  CHECK(longest.write(batch_of({"a"})).failed == path.substr(1) + ": No such file or directory");
}

// As sd_journal_send(3) does it.
TEST_CASE("an entry that is too large for a datagram goes as a sealed file", "[datagram]") {
  const net::test::temporary_directory place;
  const std::string path = place.path() / "s";
  reader local(path);
  const std::string large(3'000'000, 'x');
  datagram_writer writer(to_socket(path), text_as_it_is, true);
  const auto made = writer.write(batch_of({"a", large, "b"}));
  CHECK(made.written == 3);
  CHECK(made.refused == 0);
  CHECK(local.all() == lines{"a", large, "b"});
  CHECK(local.seals == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL));
  datagram_writer without(to_socket(path), text_as_it_is);
  CHECK(without.write(batch_of({large})).refused == 1);
}
