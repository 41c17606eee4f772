// A peer of the benchmark: libwebsockets. Usage: bench_libwebsockets ROW URL CA_FILE COUNT (see ../limit.cpp)
#include <libwebsockets.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

namespace {

struct state {
  std::string row, host, path, ca_file;
  int port = 0;
  std::int64_t count = 0;
  std::int64_t done = 0;
  std::int64_t sum = 0;
  bool greeted = false;
  bool over = false;
  std::string message;
  lws_context* context = nullptr;
};
state self;

void connect_one() {
  lws_client_connect_info info{};
  info.context = self.context;
  info.address = "127.0.0.1";
  info.port = self.port;
  info.path = self.path.c_str();
  info.host = self.host.c_str();
  info.origin = self.host.c_str();
  info.ssl_connection = LCCSCF_USE_SSL;
  info.local_protocol_name = "bench";
  if (lws_client_connect_via_info(&info) == nullptr) std::abort();
}

/// lws_write wants room before the payload.
bool write(lws* link, const void* payload, std::size_t size, lws_write_protocol kind) {
  std::array<unsigned char, LWS_PRE + 64> buffer{};
  std::memcpy(buffer.data() + LWS_PRE, payload, size);
  return lws_write(link, buffer.data() + LWS_PRE, size, kind) >= static_cast<int>(size);
}

bool write_what_is_due(lws* link) {
  if (self.row == "send") {
    while (self.done < self.count && lws_send_pipe_choked(link) == 0) {
      const auto number = static_cast<std::int32_t>(self.done & 0xffff);
      char command[5];
      std::memcpy(command, &number, sizeof number);
      command[4] = 1;
      if (!write(link, command, sizeof command, LWS_WRITE_BINARY)) return false;
      ++self.done;
    }
    if (self.done < self.count) lws_callback_on_writable(link);
    return true;
  }
  if (self.row == "echo") {
    const char ping[16] = {1};
    return write(link, ping, sizeof ping, LWS_WRITE_BINARY);
  }
  if (self.greeted) return true;
  self.greeted = true;
  const char login[] = R"({"role":"bench"})";
  return write(link, login, sizeof login - 1, LWS_WRITE_TEXT);
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

void take_message(bool binary) {
  std::int32_t number = 0;
  if (binary) std::memcpy(&number, self.message.data(), sizeof number);
  if (self.row == "line") {
    const nlohmann::ordered_json event{
        {"v", 1},
        {"time", time_now()},
        {"session", "bench"},
        {"event", "reply"},
        {"reply", "tick"},
        {"data",
         {{"id", number}, {"body", nlohmann::json::parse(self.message.begin() + 4, self.message.end())}}}};
    const std::string line = event.dump() + '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
  ++self.done;
  self.sum += binary ? number : static_cast<std::int64_t>(self.message.size());
}

int receive(lws* link, const char* bytes, std::size_t size) {
  if (self.row == "echo") {
    lws_callback_on_writable(link);
    return 0;
  }
  if (self.row != "receive" && self.row != "deflate" && self.row != "line") return 0;
  self.message.append(bytes, size);
  if (lws_is_final_fragment(link) != 0 && lws_remaining_packet_payload(link) == 0) {
    take_message(lws_frame_is_binary(link) != 0);
    self.message.clear();
  }
  return 0;
}

void ended() {
  if ((self.row == "handshake" || self.row == "resumed") && ++self.done <= self.count)
    connect_one();
  else
    self.over = true;
}

int on_event(lws* link, lws_callback_reasons reason, void* /*user*/, void* in, std::size_t size) {
  switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      std::fprintf(stderr, "libwebsockets: %s\n",
                   in != nullptr ? static_cast<const char*>(in) : "no connection");
      std::abort();
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      if (self.row == "idle") {
        if (++self.done < self.count) connect_one();
      } else if (self.row != "handshake" && self.row != "resumed") {
        lws_callback_on_writable(link);
      }
      return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return write_what_is_due(link) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      return receive(link, static_cast<const char*>(in), size);
    case LWS_CALLBACK_CLIENT_CLOSED:
      ended();
      return 0;
    default:
      return 0;
  }
}

}  // namespace

int main(int count, char** argument) {
  if (count != 5) return 2;
  const std::string url = argument[2];  // wss://HOST:PORT/PATH
  const auto colon = url.find(':', 6);
  const auto slash = url.find('/', colon);
  self.row = argument[1];
  self.host = url.substr(6, colon - 6);
  self.port = std::atoi(url.c_str() + colon + 1);
  self.path = url.substr(slash);
  self.ca_file = argument[3];
  self.count = std::atoll(argument[4]);

  lws_set_log_level(LLL_ERR, nullptr);
  const bool small = self.row == "idle" || self.row == "handshake" || self.row == "resumed";
  const std::array<lws_protocols, 2> protocols{
      {{"bench", on_event, 0, small ? 4096U : 65536U, 0, nullptr, 0}, {}}};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols.data();
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.client_ssl_ca_filepath = self.ca_file.c_str();
  const std::array<lws_extension, 2> extensions{
      {{"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"}, {}}};
  if (self.row == "deflate") info.extensions = extensions.data();
  if (!small) info.pt_serv_buf_size = 65536;  // what it reads at once; 4 KiB otherwise
  if (self.row == "idle") info.fd_limit_per_thread = static_cast<unsigned>(self.count + 16);
  self.context = lws_create_context(&info);
  if (self.context == nullptr) return 1;
  connect_one();
  while (!self.over && lws_service(self.context, 0) >= 0) {
  }
  if (self.row == "receive" || self.row == "deflate" || self.row == "line")
    std::fprintf(stderr, "{\"count\":%lld,\"sum\":%lld}\n", static_cast<long long>(self.done),
                 static_cast<long long>(self.sum));
  lws_context_destroy(self.context);
  return 0;
}
