// The load server of the benchmark: wss on two ports of 127.0.0.1, what is sent is made beforehand, and the
// clients' CPU time is measured here. One thread for each connection. Usage:
//
//     bench_server CERTIFICATE KEY SECONDS
//
// Prints `ready PORT PORT`: sessions can be resumed on the first port and not on the second. Then one line of
// JSON for each measurement (rows.hpp). Ends after SECONDS, or when its stdin is closed.
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "tests/bench/link/rows.hpp"

namespace {

constexpr std::int64_t most_messages = 100'000'000;

SSL_CTX* make_context(const char* certificate, const char* key, bool resumable) {
  SSL_CTX* made = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(made, 1);
  SSL_CTX_set_default_read_buffer_len(made, 17408);  // a record and its header
  if (!resumable) SSL_CTX_set_num_tickets(made, 0);
  if (SSL_CTX_use_certificate_file(made, certificate, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1) {
    fmt::print(stderr, "bench_server: cannot use {} and {}\n", certificate, key);
    std::exit(1);
  }
  return made;
}

std::string accept_key(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char encoded[32];
  const int size = EVP_EncodeBlock(encoded, digest, sizeof digest);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)};
}

std::string header_of(const std::string& head, const char* name) {
  const char* found = strcasestr(head.c_str(), name);
  if (found == nullptr) return {};
  found += std::strlen(name) + 1;  // and the colon
  while (*found == ' ') ++found;
  return {found, std::strcspn(found, "\r\n")};
}

/// "GET /ROW/COUNT/PROCESS HTTP/1.1"
std::optional<bench::request> parse(const std::string& head) {
  char row[16] = {};
  long long count = 0;
  bench::request wanted;
  if (std::sscanf(head.c_str(), "GET /%15[a-z]/%lld/%d ", row, &count, &wanted.process) != 3)
    return std::nullopt;
  wanted.row = row;
  wanted.count = count;
  if (!bench::is_row(wanted.row) || count < 1 || count > most_messages) return std::nullopt;
  return wanted;
}

void handle(int socket, SSL_CTX* context) {
  auto link = std::make_unique<bench::connection>(socket, context);
  if (!link->accept()) return;
  const std::string head = link->read_head();
  const auto wanted = parse(head);
  if (!wanted) {
    if (link->write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) link->flush();
    return;
  }
  const char* const extension = wanted->row == "deflate"
                                    ? "Sec-WebSocket-Extensions: permessage-deflate; "
                                      "server_no_context_takeover; client_no_context_takeover\r\n"
                                    : "";
  const std::string reply = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\n{}Sec-WebSocket-Accept: {}\r\n\r\n",
      extension, accept_key(header_of(head, "Sec-WebSocket-Key")));
  bench::meter since_upgrade(wanted->process);
  since_upgrade.begin();
  if (link->write(reply) && link->flush()) bench::serve(std::move(link), *wanted, since_upgrade);
}

int listen_on_loopback(std::uint16_t& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) std::abort();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket, 4096) != 0 ||
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("bench_server: listen");
    std::exit(1);
  }
  port = ntohs(address.sin_port);
  return socket;
}

void accept_all(int listener, SSL_CTX* context) {
  for (;;) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) std::thread(handle, socket, context).detach();
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    fmt::print(stderr, "usage: bench_server CERTIFICATE KEY SECONDS\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  alarm(static_cast<unsigned>(std::atoi(arguments[3])));  // whatever happens, it ends
  std::uint16_t ports[2] = {};
  for (int i = 0; i < 2; ++i) {
    const int listener = listen_on_loopback(ports[i]);
    std::thread(accept_all, listener, make_context(arguments[1], arguments[2], i == 0)).detach();
  }
  fmt::print("ready {} {}\n", ports[0], ports[1]);
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  std::_Exit(0);
}
