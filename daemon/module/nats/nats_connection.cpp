#include "daemon/module/nats/nats_connection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace duplexd {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using message_owner = std::unique_ptr<natsMsg, void (*)(natsMsg*)>;

// A server that does not answer two of them is gone.
constexpr milliseconds ping_interval{20'000};

std::string header_of(natsMsg* message, const char* key) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message, key, &value) == NATS_OK && value != nullptr ? value : "";
}

// Headers of a publisher may say anything: a status comes from the server, without a place for answers.
nats_delivery delivery_of(natsMsg* come) {
  const auto size = static_cast<std::size_t>(natsMsg_GetDataLength(come));
  nats_delivery made{.is_too_long = size > broker_receiver::largest};
  if (!made.is_too_long && size > 0) made.payload.assign(natsMsg_GetData(come), size);
  const char* reply = natsMsg_GetReply(come);
  if (reply == nullptr) {
    made.status = header_of(come, "Status");
    if (!made.status.empty()) made.status += ' ' + header_of(come, "Description");
    return made;
  }
  made.reply = reply;
  if (!made.reply.starts_with("$JS.ACK.")) return made;
  made.id = header_of(come, "Nats-Msg-Id");
  jsMsgMetaData* read = nullptr;
  if (natsMsg_GetMetaData(&read, come) != NATS_OK) return made;
  const std::unique_ptr<jsMsgMetaData, void (*)(jsMsgMetaData*)> place{read, &jsMsgMetaData_Destroy};
  made.sequence = place->Sequence.Stream;
  made.time = place->Timestamp;
  made.pending = place->NumPending;
  return made;
}

void put_message(natsConnection* /*link*/, natsSubscription* /*of*/, natsMsg* come, void* into) {
  const message_owner message{come, &natsMsg_Destroy};
  (*static_cast<std::shared_ptr<nats_inbox>*>(into))->put(delivery_of(come));
}

}  // namespace

std::string nats_connection::no_answer() const {
  return fmt::format("no answer within {} ms", limit_.count());
}

// The library's own text, which it keeps for this thread, says more than the status.
std::string nats_connection::why(natsStatus status) const {
  natsStatus kept = NATS_OK;
  const char* text = nats_GetLastError(&kept);
  std::string words = natsStatus_GetText(status);
  if (kept != status || text == nullptr || *text == '\0') return words;
  return fmt::format("{} ({})", words, text);
}

std::string nats_connection::last_error() const {
  const char* text = nullptr;
  const natsStatus status = natsConnection_GetLastError(link_, &text);
  if (status == NATS_OK) return "";
  return text == nullptr || *text == '\0' ? natsStatus_GetText(status) : text;
}

std::string nats_connection::configure(natsOptions* options, const nats_target& target) const {
  const std::string& key = target.key_file.empty() ? target.cert_file : target.key_file;
  for (const std::string* file : {&target.creds_file, &target.ca_file, &target.cert_file, &key})
    if (!file->empty() && ::access(file->c_str(), R_OK) != 0)
      return fmt::format(
          "cannot read {}: {}", *file,
          std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
  const config::url& at = target.address;
  natsStatus status = natsOptions_SetURL(options, ("nats://" + config::host_port_text(at)).c_str());
  const auto also = [&status](auto&& set) {
    if (status == NATS_OK) status = set();
  };
  also([&] { return natsOptions_SetName(options, "duplexd"); });
  also([&] { return natsOptions_SetTimeout(options, limit_.count()); });
  also([&] { return natsOptions_SetWriteDeadline(options, limit_.count()); });
  also([&] { return natsOptions_SetAllowReconnect(options, false); });
  also([&] { return natsOptions_SetPingInterval(options, ping_interval.count()); });
  // Without this one the library writes to stderr.
  also([&] {
    return natsOptions_SetErrorHandler(
        options, [](natsConnection*, natsSubscription*, natsStatus, void*) {}, nullptr);
  });
  if (!target.user.empty())
    also([&] { return natsOptions_SetUserInfo(options, target.user.c_str(), target.password.c_str()); });
  else if (!target.token.empty())
    also([&] { return natsOptions_SetToken(options, target.token.c_str()); });
  if (!target.creds_file.empty())
    also(
        [&] { return natsOptions_SetUserCredentialsFromFiles(options, target.creds_file.c_str(), nullptr); });
  if (at.secure) {
    also([&] { return natsOptions_SetSecure(options, true); });
    also([&] { return natsOptions_SetExpectedHostname(options, at.host.c_str()); });
    if (!target.ca_file.empty())
      also([&] { return natsOptions_LoadCATrustedCertificates(options, target.ca_file.c_str()); });
    if (!target.cert_file.empty())
      also([&] { return natsOptions_LoadCertificatesChain(options, target.cert_file.c_str(), key.c_str()); });
  }
  return status == NATS_OK ? "" : why(status);
}

std::string nats_connection::open(const nats_target& target) {
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  const std::unique_ptr<natsOptions, void (*)(natsOptions*)> options{made, &natsOptions_Destroy};
  if (status != NATS_OK) return why(status);
  if (std::string mistake = configure(options.get(), target); !mistake.empty()) return mistake;
  status = natsConnection_Connect(&link_, options.get());
  natsInbox* inbox = nullptr;
  if (status == NATS_OK) status = natsInbox_Create(&inbox);
  if (status == NATS_OK) {
    inbox_ = std::string(inbox) + '.';
    natsInbox_Destroy(inbox);
    status = natsConnection_SubscribeSync(&answers_, link_, (inbox_ + '*').c_str());
  }
  if (status == NATS_OK) return "";
  std::string mistake = why(status);
  close();
  return mistake;
}

void nats_connection::close() noexcept {
  natsSubscription_Destroy(answers_);
  answers_ = nullptr;
  natsSubscription_Destroy(listening_);
  listening_ = nullptr;
  natsConnection_Destroy(link_);
  link_ = nullptr;
}

bool nats_connection::is_open() const noexcept {
  return link_ != nullptr && !natsConnection_IsClosed(link_);
}

nats_connection::sent nats_connection::publish(const std::string& subject, std::string_view payload,
                                               const std::string& id, std::optional<std::uint64_t> key) {
  const std::string reply = key ? inbox_ + std::to_string(*key) : "";
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, subject.c_str(), key ? reply.c_str() : nullptr, payload.data(),
                                     static_cast<int>(payload.size()));
  const message_owner message{made, &natsMsg_Destroy};
  if (status == NATS_OK && !id.empty()) status = natsMsgHeader_Set(made, "Nats-Msg-Id", id.c_str());
  if (status == NATS_OK) status = natsConnection_PublishMsg(link_, made);
  switch (status) {
    case NATS_OK:
      return {};
    case NATS_MAX_PAYLOAD:
      return {.refusal = "it is larger than the server takes"};
    case NATS_INVALID_SUBJECT:
      return {.refusal = "its subject is not valid"};
    case NATS_TIMEOUT:
      return {.failed = no_answer()};
    default:
      return {.failed = why(status)};
  }
}

nats_connection::answer nats_connection::wait_answer(deadline until) {
  const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
  natsMsg* read = nullptr;
  const natsStatus status = natsSubscription_NextMsg(&read, answers_, std::max<std::int64_t>(left, 1));
  const message_owner message{read, &natsMsg_Destroy};
  answer made;
  made.has_no_stream = status == NATS_NO_RESPONDERS || (status == NATS_OK && natsMsg_IsNoResponders(read));
  if (made.has_no_stream) return made;
  if (status != NATS_OK) {
    made.failed = last_error();
    if (made.failed.empty()) made.failed = status == NATS_TIMEOUT ? no_answer() : why(status);
    return made;
  }
  const std::string_view subject = natsMsg_GetSubject(read);
  const std::string_view name = subject.substr(std::min(inbox_.size(), subject.size()));
  std::from_chars(name.data(), name.data() + name.size(), made.key);
  made.what = answer_of({natsMsg_GetData(read), static_cast<std::size_t>(natsMsg_GetDataLength(read))});
  return made;
}

std::string nats_connection::flush() {
  const natsStatus status = natsConnection_FlushTimeout(link_, limit_.count());
  std::string said = last_error();
  if (!said.empty() || status == NATS_OK) return said;
  return status == NATS_TIMEOUT ? no_answer() : why(status);
}

nats_connection::statement nats_connection::ask(const std::string& subject) {
  natsMsg* read = nullptr;
  const natsStatus status = natsConnection_RequestString(&read, link_, subject.c_str(), "", limit_.count());
  const message_owner message{read, &natsMsg_Destroy};
  if (status == NATS_OK)
    return {.text{natsMsg_GetData(read), static_cast<std::size_t>(natsMsg_GetDataLength(read))}};
  if (status == NATS_NO_RESPONDERS) return {.failed = "JetStream is off"};
  std::string said = last_error();
  if (said.empty()) said = status == NATS_TIMEOUT ? no_answer() : why(status);
  return {.failed = std::move(said)};
}

std::string nats_connection::listen(const std::string& subject, const std::shared_ptr<nats_inbox>& into) {
  return listen(subject, into, most_pending_bytes);
}

// No more comes than is asked for, and one message may be as large as the server allows.
std::string nats_connection::listen_for_pulls(const std::shared_ptr<nats_inbox>& into) {
  natsInbox* inbox = nullptr;
  const natsStatus status = natsInbox_Create(&inbox);
  if (status != NATS_OK) return why(status);
  pulls_ = inbox;
  natsInbox_Destroy(inbox);
  constexpr std::int64_t most = std::numeric_limits<int>::max() - most_pending_bytes;
  const std::int64_t largest = std::clamp<std::int64_t>(natsConnection_GetMaxPayload(link_), 0, most);
  return listen(pulls_, into, most_pending_bytes + static_cast<int>(largest));
}

std::string nats_connection::pull(const std::string& subject, const std::string& request) {
  const natsStatus status =
      natsConnection_PublishRequestString(link_, subject.c_str(), pulls_.c_str(), request.c_str());
  return status == NATS_OK ? "" : why(status);
}

// The library's thread holds the inbox until it has done with the subscription.
std::string nats_connection::listen(const std::string& subject, const std::shared_ptr<nats_inbox>& into,
                                    int bytes) {
  auto held = std::make_unique<std::shared_ptr<nats_inbox>>(into);
  natsStatus status = natsConnection_Subscribe(&listening_, link_, subject.c_str(), &put_message, held.get());
  if (status == NATS_OK)
    status = natsSubscription_SetOnCompleteCB(
        listening_, [](void* done) { delete static_cast<std::shared_ptr<nats_inbox>*>(done); },
        held.release());
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(listening_, most_pending, bytes);
  return status == NATS_OK ? flush() : why(status);
}

std::uint64_t nats_connection::lost() const noexcept {
  std::int64_t count = 0;
  if (listening_ != nullptr) (void)natsSubscription_GetDropped(listening_, &count);
  return static_cast<std::uint64_t>(count);
}

std::string nats_connection::end_cause() const {
  if (link_ == nullptr || is_open()) return "";
  std::string said = last_error();
  return said.empty() ? "the connection has ended" : said;
}

}  // namespace duplexd
