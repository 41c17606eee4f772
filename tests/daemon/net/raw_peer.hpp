#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/link/transport.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net::test {

namespace asio = boost::asio;

/// Two connected sockets of the loopback.
struct socket_pair {
  tcp_socket ours;    ///< for the link under test
  tcp_socket theirs;  ///< for the script
};
[[nodiscard]] socket_pair connected_sockets(asio::io_context& loop);

/// A link of the client's role whose server is the test: it writes bytes as it likes and reads what came.
class raw_peer {
 public:
  explicit raw_peer(std::uint64_t message_limit = 16U << 20);

  /// With these limits, this offer of compression, and this answer to it (a header's line, or nothing).
  /// Throws with the cause if that is no link.
  raw_peer(config::limit_settings limits, std::optional<config::deflate_settings> offer, std::string answer);

  [[nodiscard]] transport& link() { return *link_; }
  [[nodiscard]] asio::io_context& loop() { return loop_; }

  /// The client's upgrade request.
  [[nodiscard]] const std::string& request() const { return request_; }

  void send(std::string_view bytes);

  /// Ends the stream in order, or with a reset.
  void shut_down();
  void reset();

  /// Everything that the link has sent until now and the kernel has delivered.
  [[nodiscard]] std::string sent_by_link();

  /// Whether the link has ended its side of TCP.
  [[nodiscard]] bool link_ended_tcp();

  struct heard {
    std::vector<std::pair<protocol::frame_kind, std::string>> messages;
  };

  /// Lets the link read what is there; true if it became readable within a generous while.
  void read_into(heard& what);

  /// Keeps the kernel from taking much of what the link sends.
  void stop_listening();

  /// Runs what the loop has ready, so that the link's flush takes place.
  void turn();

 private:
  asio::io_context loop_{1};
  std::optional<tcp_socket> socket_;
  std::unique_ptr<transport> link_;
  std::string request_;
};

/// The answer with which a server agrees to a client's upgrade request.
[[nodiscard]] std::string upgrade_answer_to(const std::string& request, const std::string& more_headers = {});

/// An unmasked frame. `first` is the byte with FIN, reserved bits and opcode.
[[nodiscard]] std::string frame(std::uint8_t first, std::string_view payload);

/// The same with a masking key, as clients send it.
[[nodiscard]] std::string masked_frame(std::uint8_t first, std::string_view payload);

}  // namespace duplexd::net::test
