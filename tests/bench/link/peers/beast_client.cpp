// A peer of the benchmark: Boost.Beast as its examples use it: coroutines, ssl_stream over tcp_stream, the
// suggested timeouts, one async_read or async_write for each message. Usage: bench_beast ROW URL CA_FILE
// COUNT (see ../limit.cpp)
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using link_type = websocket::stream<beast::ssl_stream<beast::tcp_stream>>;

namespace {

struct wanted {
  std::string row, host, port, path;
  std::int64_t count;
};

std::int32_t number_of(const beast::flat_buffer& message) {
  std::int32_t number = 0;
  std::memcpy(&number, message.data().data(), sizeof number);
  return number;
}

void report(std::int64_t count, std::int64_t sum) {
  fmt::print(stderr, "{{\"count\":{},\"sum\":{}}}\n", count, sum);
}

asio::awaitable<std::unique_ptr<link_type>> open(asio::ssl::context& context, const wanted& to) {
  auto loop = co_await asio::this_coro::executor;
  auto link = std::make_unique<link_type>(loop, context);
  asio::ip::tcp::resolver resolver(loop);
  const auto addresses = co_await resolver.async_resolve(to.host, to.port, use_awaitable);
  auto& tcp = beast::get_lowest_layer(*link);
  co_await tcp.async_connect(addresses, use_awaitable);
  tcp.socket().set_option(asio::ip::tcp::no_delay(true));
  SSL_set_tlsext_host_name(link->next_layer().native_handle(), to.host.c_str());
  link->next_layer().set_verify_callback(asio::ssl::host_name_verification(to.host));
  co_await link->next_layer().async_handshake(asio::ssl::stream_base::client, use_awaitable);
  tcp.expires_never();
  link->set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
  link->binary(true);
  websocket::permessage_deflate compression;
  compression.client_enable = to.row == "deflate";
  link->set_option(compression);
  co_await link->async_handshake(to.host + ":" + to.port, to.path, use_awaitable);
  co_return link;
}

/// False once the server has closed.
asio::awaitable<bool> read(link_type& link, beast::flat_buffer& message) {
  message.clear();
  const auto [error, size] = co_await link.async_read(message, asio::as_tuple(use_awaitable));
  co_return !error;
}

asio::awaitable<void> log_in(link_type& link) {
  link.text(true);
  co_await link.async_write(asio::buffer(std::string_view(R"({"role":"bench"})")), use_awaitable);
}

asio::awaitable<void> receive(link_type& link) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  beast::flat_buffer message;
  co_await log_in(link);
  while (co_await read(link, message)) {
    ++count;
    sum += link.got_binary() ? number_of(message) : static_cast<std::int64_t>(message.size());
  }
  report(count, sum);
}

asio::awaitable<void> receive_lines(link_type& link) {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  beast::flat_buffer message;
  co_await log_in(link);
  while (co_await read(link, message)) {
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto* body = static_cast<const char*>(message.data().data()) + 4;
    const nlohmann::ordered_json event{
        {"v", 1},
        {"time",
         fmt::format("{:%FT%T}.{:06}Z", fmt::gmtime(now), now.time_since_epoch().count() % 1'000'000)},
        {"session", "bench"},
        {"event", "reply"},
        {"reply", "tick"},
        {"data",
         {{"id", number_of(message)}, {"body", nlohmann::json::parse(body, body + message.size() - 4)}}}};
    std::cout << event.dump() << '\n';
    ++count;
    sum += number_of(message);
  }
  std::cout.flush();
  report(count, sum);
}

asio::awaitable<void> send(link_type& link, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto number = static_cast<std::int32_t>(i & 0xffff);
    char command[5];
    std::memcpy(command, &number, sizeof number);
    command[4] = 1;
    co_await link.async_write(asio::buffer(command), use_awaitable);
  }
  beast::flat_buffer message;
  while (co_await read(link, message)) {
  }
}

asio::awaitable<void> echo(link_type& link) {
  const char ping[16] = {1};
  beast::flat_buffer message;
  do {
    co_await link.async_write(asio::buffer(ping), asio::as_tuple(use_awaitable));
  } while (co_await read(link, message));
}

asio::awaitable<void> stay(std::unique_ptr<link_type> link) {
  beast::flat_buffer message;
  while (co_await read(*link, message)) {
  }
}

asio::awaitable<void> run(asio::ssl::context& context, const wanted& to) {
  if (to.row == "handshake" || to.row == "resumed") {
    for (std::int64_t i = 0; i <= to.count; ++i) {
      auto link = co_await open(context, to);
      beast::flat_buffer message;
      co_await read(*link, message);
    }
    co_return;
  }
  if (to.row == "idle") {
    auto loop = co_await asio::this_coro::executor;
    for (std::int64_t i = 0; i < to.count; ++i) {
      auto link = co_await open(context, to);
      asio::co_spawn(loop, stay(std::move(link)), asio::detached);
    }
    co_return;
  }
  auto link = co_await open(context, to);
  if (to.row == "receive" || to.row == "deflate") co_await receive(*link);
  if (to.row == "line") co_await receive_lines(*link);
  if (to.row == "send") co_await send(*link, to.count);
  if (to.row == "echo") co_await echo(*link);
}

}  // namespace

int main(int count, char** argument) {
  if (count != 5) return 2;
  std::ios::sync_with_stdio(false);
  const std::string url = argument[2];  // wss://HOST:PORT/PATH
  const auto colon = url.find(':', 6);
  const auto slash = url.find('/', colon);
  const wanted to{argument[1], url.substr(6, colon - 6), url.substr(colon + 1, slash - colon - 1),
                  url.substr(slash), std::atoll(argument[4])};
  asio::io_context loop;
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(argument[3]);
  context.set_verify_mode(asio::ssl::verify_peer);
  auto rethrow = [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  };
  asio::co_spawn(loop, run(context, to), rethrow);
  loop.run();
  return 0;
}
