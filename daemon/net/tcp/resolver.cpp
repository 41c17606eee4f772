#include "daemon/net/tcp/resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "daemon/net/tcp/faults.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

constexpr std::chrono::seconds thread_patience{10};

std::string lookup_error(const std::string& host, int code) {
  const std::string prefix = "the name '" + host + "' ";
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
      return prefix + "is not known: is it spelt correctly?";
    case EAI_AGAIN:
      return prefix + "could not be looked up: no name server answered";
    case EAI_SYSTEM:
      return prefix + "could not be looked up: " + std::generic_category().message(errno);
    default:
      return prefix + "could not be looked up: " + gai_strerror(code);
  }
}

std::optional<asio::ip::address> address_of(const sockaddr* socket_address) {
  if (socket_address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(socket_address);
    return asio::ip::address_v4(ntohl(v4->sin_addr.s_addr));
  }
  if (socket_address->sa_family != AF_INET6) return std::nullopt;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(socket_address);
  asio::ip::address_v6::bytes_type bytes;
  std::copy_n(v6->sin6_addr.s6_addr, bytes.size(), bytes.begin());
  return asio::ip::address_v6(bytes, v6->sin6_scope_id);
}

}  // namespace

resolve_result lookup_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    return make_fault(config::fault_class::resolve, lookup_error(host, code));
  }
  std::vector<asio::ip::address> found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = address_of(entry->ai_addr);
    if (address && std::find(found.begin(), found.end(), *address) == found.end()) found.push_back(*address);
  }
  freeaddrinfo(list);
  if (found.empty())
    return make_fault(config::fault_class::resolve, "the name '" + host + "' has no address");
  return found;
}

/// One look-up and those who wait for it.
struct resolver::flight {
  explicit flight(asio::io_context& loop) : landed(loop.get_executor(), loop_timer::time_point::max()) {}
  loop_timer landed;  ///< never expires: cancelled when `result` is there
  std::optional<resolve_result> result;
  std::size_t waiters = 0;
};

/// Where threads find names and leave answers. It outlives the resolver as long as a thread knows it.
struct resolver::mailbox {
  std::mutex guard;
  std::condition_variable changed;
  resolver* owner = nullptr;
  std::deque<std::string> names;  ///< that no thread has taken yet
  std::size_t idle = 0;           ///< threads that wait for one
};

resolver::resolver(asio::io_context& loop, lookup_function lookup, std::size_t most_threads)
    : loop_(loop),
      lookup_(std::move(lookup)),
      most_threads_(most_threads),
      mailbox_(std::make_shared<mailbox>()) {
  mailbox_->owner = this;
}

resolver::~resolver() {
  const std::lock_guard lock(mailbox_->guard);
  mailbox_->owner = nullptr;
  mailbox_->names.clear();
  mailbox_->changed.notify_all();
}

asio::awaitable<resolve_result> resolver::resolve(std::string host, std::chrono::milliseconds limit) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::vector<asio::ip::address>{literal};

  auto& entry = flights_[host];
  if (!entry) {
    entry = std::make_shared<flight>(loop_);
    waiting_.push_back(host);
  }
  const auto mine = entry;
  struct presence {
    flight& of;
    explicit presence(flight& f) : of(f) { ++of.waiters; }
    ~presence() { --of.waiters; }
  };
  const presence here(*mine);
  start_waiting();

  // The alarm wakes only us: it is our limit, not the look-up's.
  bool late = false;
  loop_timer alarm(loop_.get_executor(), limit);
  const auto over = std::make_shared<bool>(false);
  alarm.async_wait([&late, over, mine](const boost::system::error_code& error) {
    if (error || *over) return;
    late = true;
    mine->landed.cancel();
  });
  struct quiet {
    bool& over;
    ~quiet() { over = true; }
  };
  const quiet at_end{*over};
  const auto state = co_await asio::this_coro::cancellation_state;
  const auto& result = mine->result;
  while (!result && !late) {
    if (is_cancelled(state)) co_return make_fault(config::fault_class::resolve, "cancelled");
    std::ignore = co_await mine->landed.async_wait(as_value);
  }
  if (result) co_return *result;
  co_return make_fault(config::fault_class::resolve,
                       "the name '" + host + "' was not resolved within " + duration_text(limit));
}

/// Starts look-ups while threads are free. A name that nobody waits for any more is forgotten.
void resolver::start_waiting() {
  while (!waiting_.empty() && running_ < most_threads_) {
    const std::string host = std::move(waiting_.front());
    waiting_.pop_front();
    const auto found = flights_.find(host);
    if (found == flights_.end()) continue;
    if (found->second->waiters == 0) {
      flights_.erase(found);
      continue;
    }
    try {
      start_look_up(host);
      ++running_;
    } catch (const std::system_error& error) {
      const auto failed = make_fault(config::fault_class::resolve,
                                     std::string("no thread for looking up names: ") + error.what());
      found->second->result = failed;
      found->second->landed.cancel();
      flights_.erase(found);
    }
  }
}

/// Gives the name to a thread. Throws `std::system_error` if none can be started.
void resolver::start_look_up(const std::string& host) {
  const std::lock_guard lock(mailbox_->guard);
  mailbox_->names.push_back(host);
  if (mailbox_->names.size() <= mailbox_->idle) return mailbox_->changed.notify_one();
  try {
    std::thread([box = mailbox_, lookup = lookup_] { work(box, lookup); }).detach();
  } catch (const std::system_error&) {
    mailbox_->names.pop_back();
    throw;
  }
}

/// What a thread does, until there is nothing to do for a while or the resolver is gone.
void resolver::work(const std::shared_ptr<mailbox>& box, const lookup_function& lookup) {
  std::unique_lock lock(box->guard);
  const auto wanted = [&] { return !box->names.empty() || box->owner == nullptr; };
  for (;;) {
    ++box->idle;
    box->changed.wait_for(lock, thread_patience, wanted);
    --box->idle;
    if (box->names.empty()) return;
    const std::string host = std::move(box->names.front());
    box->names.pop_front();
    lock.unlock();
    auto result = lookup(host);
    lock.lock();
    if (box->owner == nullptr) return;
    // While the owner lives its loop does. By the time the loop gets there the owner may be gone.
    asio::post(box->owner->loop_, [box, host, answer = std::move(result)] {
      if (box->owner != nullptr) box->owner->land(host, answer);
    });
  }
}

void resolver::land(const std::string& host, const resolve_result& result) {
  --running_;
  if (const auto found = flights_.find(host); found != flights_.end()) {
    found->second->result = result;
    found->second->landed.cancel();
    flights_.erase(found);
  }
  start_waiting();
}

}  // namespace duplexd::net
