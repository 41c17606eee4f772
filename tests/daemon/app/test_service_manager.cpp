// The sockets that systemd passes, by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, as in sd_listen_fds(3).
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "daemon/app/service_manager.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using lines = std::vector<std::string>;
using variable_map = std::map<std::string, std::string>;

namespace {

constexpr int first_handle = 3;
constexpr int out_of_the_way = 100;

/// A folder with sockets.
class socket_place {
 public:
  socket_place() {
    std::string name = (std::filesystem::temp_directory_path() / "duplexd-sockets-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~socket_place() {
    for (const int each : handles_) ::close(each);
    std::filesystem::remove_all(path_);
  }
  socket_place(const socket_place&) = delete;
  socket_place& operator=(const socket_place&) = delete;

  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }

  /// A Unix-domain socket; a name that begins with a null byte is abstract.
  int unix_socket(const std::string& path, int type = SOCK_STREAM, bool listens = true) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    const int made = add(::socket(AF_UNIX, type, 0));
    REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    if (listens) REQUIRE(::listen(made, 1) == 0);
    return made;
  }
  int tcp_socket() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int made = add(::socket(AF_INET, SOCK_STREAM, 0));
    REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(made, 1) == 0);
    return made;
  }
  int file() { return add(::open("/dev/null", O_RDONLY)); }

 private:
  int add(int handle) {
    REQUIRE(handle >= 0);
    return handles_.emplace_back(handle);
  }
  std::string path_;
  std::vector<int> handles_;
};

/// A line for each socket that is taken, and one for what is wrong.
lines take_all() {
  std::string error;
  lines all;
  for (const auto& each : service_manager::passed_sockets(error)) {
    const bool is_kept = (::fcntl(each.handle, F_GETFD) & FD_CLOEXEC) != 0;
    all.push_back(std::to_string(each.handle) + " " + each.name + " " + each.path +
                  (is_kept ? "" : " (programs get it)"));
  }
  if (!error.empty()) all.push_back(error);
  return all;
}

[[noreturn]] void run_child(const std::vector<int>& handles, const variable_map& environment, int to) {
  std::vector<int> moved;
  const int out = ::fcntl(to, F_DUPFD, out_of_the_way);
  for (const int each : handles) moved.push_back(::fcntl(each, F_DUPFD, out_of_the_way));
  for (std::size_t i = 0; i < moved.size(); ++i) ::dup2(moved[i], first_handle + static_cast<int>(i));
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  for (const auto& [name, value] : environment)
    ::setenv(name.c_str(), value == "self" ? std::to_string(::getpid()).c_str() : value.c_str(), 1);
  std::string said;
  for (const std::string& line : take_all()) said += line + "\n";
  if (!take_all().empty() || std::getenv("LISTEN_FDS") != nullptr) said += "taken twice\n";
  const bool is_good = ::write(out, said.data(), said.size()) == static_cast<ssize_t>(said.size());
  ::_exit(is_good ? 0 : 1);
}

/// What a process takes whose descriptors from 3 on are `handles`. "self" stands for its own id.
lines taken(const std::vector<int>& handles, const variable_map& environment) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) run_child(handles, environment, ends[1]);
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t count = 1; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(count));
  ::close(ends[0]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  lines all;
  for (std::size_t from = 0; from < said.size();) {
    const auto end = said.find('\n', from);
    all.push_back(said.substr(from, end - from));
    from = end + 1;
  }
  return all;
}

}  // namespace

TEST_CASE("sockets are taken in their order, with their names, once", "[passed_sockets]") {
  socket_place place;
  const std::vector<int> both{place.unix_socket(place.at("a.sock")), place.unix_socket(place.at("b.sock"))};
  CHECK(taken(both, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "view:control"}}) ==
        lines{"3 view " + place.at("a.sock"), "4 control " + place.at("b.sock")});
  CHECK(taken(both, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "control"}}) ==
        lines{"3 control " + place.at("a.sock")});
  // Of a unit without FileDescriptorName= systemd passes the unit's name; without names it says "unknown".
  CHECK(taken(both, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "2"}}) ==
        lines{"3 unknown " + place.at("a.sock"), "4 unknown " + place.at("b.sock")});
  CHECK(taken(both, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", ":control"}}) ==
        lines{"3  " + place.at("a.sock"), "4 control " + place.at("b.sock")});
}

TEST_CASE("what is passed to nobody or to another process is not taken", "[passed_sockets]") {
  socket_place place;
  const std::vector<int> one{place.unix_socket(place.at("a.sock"))};
  CHECK(taken(one, {}).empty());
  CHECK(taken(one, {{"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "control"}}).empty());
  CHECK(taken(one, {{"LISTEN_PID", "self"}, {"LISTEN_FDNAMES", "control"}}).empty());
  CHECK(taken(one, {{"LISTEN_PID", "1"}, {"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "control"}}).empty());
}

// A socket that was meant for duplexd and is not there would be missed without a word.
TEST_CASE("variables that contradict each other are an error", "[passed_sockets]") {
  socket_place place;
  const std::vector<int> one{place.unix_socket(place.at("a.sock"))};
  const lines wrong{
      "the sockets that systemd passes cannot be taken (LISTEN_FDS, LISTEN_FDNAMES): Invalid argument"};
  CHECK(taken(one, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "control:view"}}) ==
        wrong);
  CHECK(taken(one, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "control"}}) == wrong);
  for (const char* count : {"", "0", "-1", "1x", "2147483645"})
    CHECK(taken(one, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", count}}) == wrong);
}

TEST_CASE("what is no listening Unix-domain socket has no path", "[passed_sockets]") {
  socket_place place;
  const auto path_of = [&](int handle) {
    const lines all = taken({handle}, {{"LISTEN_PID", "self"}, {"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "x"}});
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(path_of(place.unix_socket(place.at("silent.sock"), SOCK_STREAM, false)) == "3 x ");
  CHECK(path_of(place.unix_socket(place.at("packets.sock"), SOCK_DGRAM, false)) == "3 x ");
  CHECK(path_of(place.unix_socket(place.at("records.sock"), SOCK_SEQPACKET)) == "3 x ");
  CHECK(path_of(place.unix_socket(std::string("\0duplexd-test-", 14) + std::to_string(::getpid()))) ==
        "3 x ");
  CHECK(path_of(place.tcp_socket()) == "3 x ");
  CHECK(path_of(place.file()) == "3 x ");
  // The longest path has no null byte behind it.
  const std::string longest = place.at(std::string(sizeof sockaddr_un::sun_path - place.at("").size(), 'l'));
  CHECK(path_of(place.unix_socket(longest)) == "3 x " + longest);
}
