#include "daemon/module/mqtt/mqtt_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "daemon/module/mqtt/mqtt_answer.hpp"

namespace duplexd {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string system_text(int error) {
  return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
}

int pending_error(int socket) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int left_until(steady_clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
  return static_cast<int>(std::max<milliseconds::rep>(left.count(), 0));
}

// Programs that are started must not hold it open.
void close_on_exec(int socket) noexcept {
  (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);
}

const char* text_or_null(const std::string& text) noexcept {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace

void mqtt_connection::end(mosquitto* link) noexcept {
  if (mosquitto_socket(link) >= 0) (void)mosquitto_disconnect_v5(link, 0, nullptr);
  mosquitto_destroy(link);
}

std::string mqtt_connection::no_answer() const {
  return fmt::format("no answer within {} ms", limit_.count());
}

std::string mqtt_connection::why(int error) const {
  if (!ended_.empty()) return ended_;
  if (error == MOSQ_ERR_ERRNO && errno != 0) return system_text(errno);
  if (error == MOSQ_ERR_EAI) return "the host's name is unknown";
  std::string text =
      error == MOSQ_ERR_SUCCESS ? "the broker has closed the connection" : mosquitto_strerror(error);
  if (text.ends_with('.')) text.pop_back();
  return detail_.empty() ? text : fmt::format("{} ({})", text, detail_);
}

void mqtt_connection::take_message(mosquitto* /*link*/, void* self, const mosquitto_message* come,
                                   const mosquitto_property* with) {
  mqtt_delivery made{.number = come->mid};
  if (come->payloadlen > 0)
    made.payload.assign(static_cast<const char*>(come->payload), static_cast<std::size_t>(come->payloadlen));
  char* topic = nullptr;
  if (mosquitto_property_read_string(with, MQTT_PROP_RESPONSE_TOPIC, &topic, false) != nullptr)
    made.response_topic = topic;
  void* data = nullptr;
  std::uint16_t size = 0;
  if (mosquitto_property_read_binary(with, MQTT_PROP_CORRELATION_DATA, &data, &size, false) != nullptr)
    made.correlation_data.assign(static_cast<const char*>(data), size);
  std::free(topic);  // NOLINT(cppcoreguidelines-no-malloc): the library's
  std::free(data);   // NOLINT(cppcoreguidelines-no-malloc)
  auto& mine = *static_cast<mqtt_connection*>(self);
  mine.messages_.push_back(std::move(made));
  ++mine.come_;
}

// The library takes properties of a connection only by the call that blocks, and keeps them. Without a host
// that fails at once.
void mqtt_connection::bound(mosquitto* link, const mqtt_target& target) {
  mosquitto_property* with = nullptr;
  mosquitto_property_add_int32(&with, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                               static_cast<std::uint32_t>(target.kept_session.count()));
  mosquitto_property_add_int32(&with, MQTT_PROP_MAXIMUM_PACKET_SIZE, target.largest_packet);
  (void)mosquitto_connect_bind_v5(link, nullptr, 0, 60, nullptr, with);
  mosquitto_property_free_all(&with);
}

std::string mqtt_connection::configure(const mqtt_target& target) {
  mosquitto* const link = link_.get();
  mosquitto_connect_v5_callback_set(
      link, [](mosquitto* /*link*/, void* self, int reason, int flags, const mosquitto_property* with) {
        auto& mine = *static_cast<mqtt_connection*>(self);
        mine.has_session_ = (flags & 1) != 0;
        std::uint8_t retains = 1;
        mosquitto_property_read_byte(with, MQTT_PROP_RETAIN_AVAILABLE, &retains, false);
        if (reason != 0)
          mine.ended_ = reason_text(reason);
        else if (mine.needs_retain_ && retains == 0)
          mine.ended_ = "the broker keeps no messages: remove retain";
        else
          mine.is_accepted_ = true;
      });
  mosquitto_disconnect_v5_callback_set(
      link, [](mosquitto* /*link*/, void* self, int reason, const mosquitto_property* /*with*/) {
        auto& mine = *static_cast<mqtt_connection*>(self);
        constexpr int first_failure = 0x80;
        if (mine.ended_.empty() && reason >= first_failure) mine.ended_ = reason_text(reason);
      });
  mosquitto_publish_v5_callback_set(
      link, [](mosquitto* /*link*/, void* self, int key, int reason, const mosquitto_property* /*with*/) {
        auto& mine = *static_cast<mqtt_connection*>(self);
        mine.answers_.push_back({static_cast<std::uint64_t>(key), reason});
        ++mine.come_;
      });
  mosquitto_message_v5_callback_set(link, &take_message);
  mosquitto_subscribe_callback_set(
      link, [](mosquitto* /*link*/, void* self, int /*key*/, int count, const int* granted) {
        auto& mine = *static_cast<mqtt_connection*>(self);
        mine.granted_ = count > 0 ? *granted : MQTT_RC_UNSPECIFIED;
        ++mine.come_;
      });
  mosquitto_log_callback_set(link, [](mosquitto* /*link*/, void* self, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) static_cast<mqtt_connection*>(self)->detail_ = text;
  });
  int error = mosquitto_int_option(link, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  // Otherwise it writes what it queues, acknowledgements too, at once.
  if (error == 0 && target.receives) {
    error = mosquitto_threaded_set(link, true);
    if (error == 0) error = mosquitto_int_option(link, MOSQ_OPT_RECEIVE_MAXIMUM, target.most_unaccepted);
    if (error == 0) error = mosquitto_int_option(link, MOSQ_OPT_SEND_MAXIMUM, target.most_unanswered);
    bound(link, target);
  }
  if (error == 0 && !target.user.empty())
    error = mosquitto_username_pw_set(link, target.user.c_str(), text_or_null(target.password));
  if (error == 0 && target.address.secure) {
    if (target.ca_file.empty()) error = mosquitto_int_option(link, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    const std::string& key = target.key_file.empty() ? target.cert_file : target.key_file;
    for (const std::string* file : {&target.ca_file, &target.cert_file, &key})
      if (!file->empty() && ::access(file->c_str(), R_OK) != 0)
        return fmt::format("cannot read {}: {}", *file, system_text(errno));
    if (error == 0)
      error = mosquitto_tls_set(link, text_or_null(target.ca_file),
                                target.ca_file.empty() ? "/etc/ssl/certs" : nullptr,
                                text_or_null(target.cert_file), text_or_null(key), nullptr);
  }
  return error == 0 ? "" : why(error);
}

// Where the connection comes from chooses between IPv6 and IPv4.
std::string mqtt_connection::dial(const mqtt_target& target, const char* from, deadline until) {
  ended_.clear();
  detail_.clear();
  answers_.clear();
  messages_.clear();
  is_accepted_ = false;
  needs_retain_ = target.retain;
  link_.reset(mosquitto_new(text_or_null(target.client_id), target.kept_session.count() == 0, this));
  if (link_ == nullptr) return system_text(errno);
  if (std::string mistake = configure(target); !mistake.empty()) return mistake;
  const auto keepalive = std::chrono::ceil<std::chrono::seconds>(target.keepalive);
  errno = 0;
  const int error =
      mosquitto_connect_bind_async(link_.get(), target.address.host.c_str(), target.address.port,
                                   static_cast<int>(keepalive.count()), from);
  const int socket = mosquitto_socket(link_.get());
  if (error > 0 || socket < 0) return why(error);
  close_on_exec(socket);
  pollfd ready{socket, POLLOUT, 0};
  if (::poll(&ready, 1, left_until(until)) == 0) return no_answer();
  if (const int failed = pending_error(socket); failed != 0) return system_text(failed);
  std::string mistake = mosquitto_loop_read(link_.get(), 1) == 0 ? "" : why(MOSQ_ERR_TLS);
  while (mistake.empty() && !is_accepted_) mistake = turn(until);
  return mistake;
}

std::string mqtt_connection::open(const mqtt_target& target) {
  [[maybe_unused]] static const int once = mosquitto_lib_init();
  const deadline end = steady_clock::now() + limit_;
  has_session_ = false;
  std::string mistake = dial(target, nullptr, steady_clock::now() + limit_ / 2);
  if (!mistake.empty() && ended_.empty() && detail_.empty()) {
    const std::string first = mistake;
    mistake = dial(target, "0.0.0.0", end);
    if (!mistake.empty() && ended_.empty()) mistake = first;
  }
  if (!mistake.empty()) close();
  return mistake;
}

std::string mqtt_connection::write() {
  mosquitto* const link = link_.get();
  while (mosquitto_want_write(link)) {
    pollfd ready{mosquitto_socket(link), POLLOUT, 0};
    if (ready.fd < 0) return why(MOSQ_ERR_SUCCESS);
    if (::poll(&ready, 1, static_cast<int>(limit_.count())) == 0) return no_answer();
    errno = 0;
    if (const int error = mosquitto_loop_write(link, 1); error != 0) return why(error);
  }
  return "";
}

// A PINGRESP calls nobody back: behind it there may be more.
mqtt_connection::reading mqtt_connection::read() {
  mosquitto* const link = link_.get();
  const std::uint64_t before = come_;
  reading made;
  for (int tries = 0; tries < 2 && made.failed.empty() && come_ == before; ++tries) {
    errno = 0;
    const int error = mosquitto_loop_read(link, 1);
    if (error != 0 || mosquitto_socket(link) < 0 || !ended_.empty()) made.failed = why(error);
  }
  made.has_come = come_ != before;
  return made;
}

std::string mqtt_connection::wait_readable(int milliseconds, int wakes) {
  mosquitto* const link = link_.get();
  std::array<pollfd, 2> ready{{{mosquitto_socket(link), POLLIN, 0}, {wakes, POLLIN, 0}}};
  if (ready[0].fd < 0) return why(MOSQ_ERR_SUCCESS);
  if (::poll(ready.data(), ready.size(), milliseconds) < 0) return errno == EINTR ? "" : system_text(errno);
  errno = 0;
  const int error = mosquitto_loop_misc(link);
  return error != 0 || mosquitto_socket(link) < 0 ? why(error) : "";
}

// It is written before anything is read: behind the acknowledgement of what comes it would wait with that.
std::string mqtt_connection::subscribe(const std::string& filter, deadline until) {
  constexpr int without_retained = 0x20;  // retain handling 2 (MQTT 5, 3.8.3.1)
  granted_ = -1;
  errno = 0;
  const int error =
      mosquitto_subscribe_v5(link_.get(), nullptr, filter.c_str(), 1, without_retained, nullptr);
  std::string mistake = error == 0 ? write() : why(error);
  while (mistake.empty() && granted_ < 0) {
    const int left = left_until(until);
    auto [failed, has_come] = read();
    mistake = std::move(failed);
    if (mistake.empty() && !has_come) mistake = left == 0 ? no_answer() : wait_readable(left, -1);
  }
  constexpr int first_failure = 0x80;
  if (mistake.empty() && granted_ >= first_failure)
    mistake = fmt::format("cannot subscribe to {}: {}", filter, reason_text(granted_));
  return mistake;
}

mqtt_connection::sent mqtt_connection::publish(const mqtt_message& message) {
  sent made;
  mosquitto_property* with = nullptr;
  if (!message.id.empty())
    mosquitto_property_add_string_pair(&with, MQTT_PROP_USER_PROPERTY, "event_id", message.id.c_str());
  if (!message.correlation_data.empty())
    mosquitto_property_add_binary(&with, MQTT_PROP_CORRELATION_DATA, message.correlation_data.data(),
                                  static_cast<std::uint16_t>(message.correlation_data.size()));
  int key = 0;
  errno = 0;
  const int error =
      mosquitto_publish_v5(link_.get(), &key, message.topic.c_str(), static_cast<int>(message.payload.size()),
                           message.payload.data(), message.qos, message.retain, with);
  mosquitto_property_free_all(&with);
  made.key = static_cast<std::uint64_t>(key);
  switch (error) {
    case MOSQ_ERR_SUCCESS:
      break;
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
      made.refusal = "its topic is not valid";
      break;
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
      made.refusal = "it is larger than the broker takes";
      break;
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
      made.failed = "the broker acknowledges nothing: it takes qos: 0 only";
      break;
    default:
      made.failed = why(error);
  }
  return made;
}

std::string mqtt_connection::serve(int milliseconds) {
  mosquitto* const link = link_.get();
  const int socket = mosquitto_socket(link);
  if (socket < 0) return why(MOSQ_ERR_SUCCESS);
  const bool writes = mosquitto_want_write(link);
  pollfd ready{socket, static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0};
  if (::poll(&ready, 1, milliseconds) < 0) return errno == EINTR ? "" : system_text(errno);
  int error = MOSQ_ERR_SUCCESS;
  errno = 0;
  is_idle_ = (ready.revents & ~POLLOUT) == 0;
  if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0) error = mosquitto_loop_read(link, 1);
  if (error == 0 && (ready.revents & POLLOUT) != 0) error = mosquitto_loop_write(link, 1);
  if (error == 0 && mosquitto_socket(link) >= 0) error = mosquitto_loop_misc(link);
  if (error != 0 || mosquitto_socket(link) < 0 || !ended_.empty()) return why(error);
  if ((ready.revents & POLLERR) != 0) return system_text(pending_error(socket));
  return "";
}

// A turn reads a packet; the connection's end may be behind some.
std::string mqtt_connection::turn_now() {
  constexpr int most = 100;
  std::string ended = serve(0);
  for (int turns = 1; turns < most && ended.empty() && !is_idle_; ++turns) ended = serve(0);
  return ended;
}

std::string mqtt_connection::turn(deadline until) {
  const int left = left_until(until);
  return left == 0 ? no_answer() : serve(left);
}

}  // namespace duplexd
