// Sockets must not reach the programs that scripts start: a link would stay open behind the daemon's back.
#include <fcntl.h>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "daemon/net/tcp/happy_eyeballs.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"

namespace duplexd::net::test {

namespace {

bool closes_on_exec(tcp_socket& socket) {
  return (fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0;
}

asio::awaitable<int> connect_and_look(loop_executor loop, std::uint16_t port) {
  const std::vector<asio::ip::address> here{asio::ip::address_v4::loopback()};
  auto made = co_await connect_any(loop, here, port, std::chrono::seconds(10));
  auto* socket = std::get_if<tcp_socket>(&made);
  co_return socket != nullptr&& closes_on_exec(*socket) ? 1 : 0;
}

}  // namespace

TEST_CASE("sockets that connect or were accepted close when a program starts", "[tcp]") {
  asio::io_context loop{1};
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> acceptor(loop.get_executor(),
                                                                     {asio::ip::address_v4::loopback(), 0});
  CHECK(run(loop, connect_and_look(loop.get_executor(), acceptor.local_endpoint().port())) == 1);
  tcp_connection accepted(acceptor.accept());
  CHECK(closes_on_exec(accepted.socket()));
}

}  // namespace duplexd::net::test
