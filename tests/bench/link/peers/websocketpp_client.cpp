// A peer of the benchmark: websocketpp with its Asio transport. Usage: bench_websocketpp ROW URL CA_FILE
// COUNT (see
// ../limit.cpp for the rows)
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_client.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>

/// The stock configuration without its log and without a limit that the row of large messages would meet.
struct quiet_config : websocketpp::config::asio_tls_client {
  static const websocketpp::log::level alog_level = websocketpp::log::alevel::none;
  static const websocketpp::log::level elog_level = websocketpp::log::elevel::none;
};
struct deflate_config : quiet_config {
  struct permessage_deflate_config {};
  using permessage_deflate_type =
      websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>;
};
using websocketpp::connection_hdl;
namespace opcode = websocketpp::frame::opcode;

namespace {

std::shared_ptr<boost::asio::ssl::context> make_context(const std::string& ca_file) {
  auto made = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_client);
  made->load_verify_file(ca_file);
  made->set_verify_mode(boost::asio::ssl::verify_peer);
  made->set_verify_callback(boost::asio::ssl::host_name_verification("localhost"));
  return made;
}

bool is_counted(const std::string& row) {
  return row == "receive" || row == "deflate" || row == "line";
}

std::int32_t number_of(const std::string& message) {
  std::int32_t number = 0;
  std::memcpy(&number, message.data(), sizeof number);
  return number;
}

std::string time_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%FT%T", &parts);
  std::snprintf(text + size, sizeof text - size, ".%06ldZ", now.tv_nsec / 1000);
  return text;
}

template <class Config>
class peer {
  using client = websocketpp::client<Config>;
  using message_ptr = typename client::message_ptr;

 public:
  peer(std::string row, std::string url, const std::string& ca_file, std::int64_t count)
      : row_(std::move(row)), url_(std::move(url)), count_(count), context_(make_context(ca_file)) {
    client_.init_asio();
    client_.set_tls_init_handler([this](connection_hdl) { return context_; });
    client_.set_tcp_post_init_handler([](connection_hdl) {});
    client_.set_fail_handler([](connection_hdl) { std::abort(); });
    client_.set_open_handler([this](connection_hdl link) { opened(link); });
    client_.set_close_handler([this](connection_hdl) { closed(); });
    client_.set_message_handler([this](connection_hdl link, message_ptr message) { take(link, *message); });
  }

  void run() {
    connect();
    client_.run();
    std::cout.flush();
    if (is_counted(row_))
      std::fprintf(stderr, "{\"count\":%lld,\"sum\":%lld}\n", static_cast<long long>(done_),
                   static_cast<long long>(sum_));
  }

 private:
  void connect() {
    websocketpp::lib::error_code error;
    const auto link = client_.get_connection(url_, error);
    client_.connect(link);
  }

  void opened(const connection_hdl& link) {
    client_.get_con_from_hdl(link)->get_raw_socket().set_option(boost::asio::ip::tcp::no_delay(true));
    if (is_counted(row_)) client_.send(link, R"({"role":"bench"})", opcode::text);
    if (row_ == "echo") client_.send(link, ping_, sizeof ping_, opcode::binary);
    if (row_ == "send") send_more(link);
    if (row_ == "idle" && ++done_ < count_) connect();
  }

  void closed() {
    if ((row_ == "handshake" || row_ == "resumed") && ++done_ <= count_) connect();
  }

  // As many as the library should buffer, then again when it has had a turn.
  void send_more(const connection_hdl& link) {
    const auto connection = client_.get_con_from_hdl(link);
    for (; done_ < count_ && connection->get_buffered_amount() < (1U << 20); ++done_) {
      const auto number = static_cast<std::int32_t>(done_ & 0xffff);
      char command[5];
      std::memcpy(command, &number, sizeof number);
      command[4] = 1;
      connection->send(command, sizeof command, opcode::binary);
    }
    if (done_ < count_) client_.get_io_service().post([this, link] { send_more(link); });
  }

  void take(const connection_hdl& link, const typename message_ptr::element_type& message) {
    const std::string& payload = message.get_payload();
    if (row_ == "echo") {
      client_.send(link, ping_, sizeof ping_, opcode::binary);
    } else if (is_counted(row_)) {
      const bool text = message.get_opcode() == opcode::text;
      if (row_ == "line") write_line(payload);
      ++done_;
      sum_ += text ? static_cast<std::int64_t>(payload.size()) : number_of(payload);
    }
  }

  static void write_line(const std::string& payload) {
    const nlohmann::ordered_json event{
        {"v", 1},
        {"time", time_now()},
        {"session", "bench"},
        {"event", "reply"},
        {"reply", "tick"},
        {"data",
         {{"id", number_of(payload)}, {"body", nlohmann::json::parse(payload.begin() + 4, payload.end())}}}};
    std::cout << event.dump() << '\n';
  }

  std::string row_;
  std::string url_;
  std::int64_t count_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  client client_;
  std::int64_t done_ = 0;
  std::int64_t sum_ = 0;
  char ping_[16] = {1};
};

}  // namespace

int main(int count, char** argument) {
  if (count != 5) return 2;
  std::ios::sync_with_stdio(false);
  const std::string row = argument[1];
  const auto run = [&](auto peer) { peer->run(); };
  if (row == "deflate")
    run(std::make_unique<peer<deflate_config>>(row, argument[2], argument[3], std::atoll(argument[4])));
  else
    run(std::make_unique<peer<quiet_config>>(row, argument[2], argument[3], std::atoll(argument[4])));
  return 0;
}
