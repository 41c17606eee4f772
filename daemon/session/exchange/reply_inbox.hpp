#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/session/exchange/arrived_reply.hpp"
#include "daemon/session/exchange/reading_clock.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd {

/// What a step waits for.
struct wanted_reply {
  std::vector<std::string> names;                                       ///< any of them
  nlohmann::ordered_json where;                                         ///< see config::matches
  std::vector<std::pair<std::string, nlohmann::ordered_json>> equal{};  ///< path, value: correlation
  std::uint64_t since = 0;                                              ///< no reply with a lower number
  std::vector<std::string> others{};  ///< replies that nobody asks for, only who waits now

  [[nodiscard]] bool fits(const std::string& name, const nlohmann::ordered_json& data) const;
};

class reply_inbox;

/// From which reply on a flow of steps counts them. While it stands, replies from there on are kept for the
/// flow. A copy counts from the same reply.
class reply_mark
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  reply_mark() = default;  ///< of a flow that asks for no replies
  reply_mark(const reply_mark& other);
  reply_mark& operator=(const reply_mark&) = delete;
  ~reply_mark() = default;

  [[nodiscard]] std::uint64_t since() const noexcept { return since_; }
  /// The replies before the next one no longer count.
  void count_from_here(reply_inbox& inbox);
  /// Nothing is kept for it any more.
  void release() { unlink(); }

 private:
  reply_inbox* inbox_ = nullptr;
  std::uint64_t since_ = 0;
};

/// Where replies meet the steps that wait for them. The first who waits for a reply gets it there and then,
/// found by its names and the values that it must be equal to; one that nobody waits for is kept for the
/// flows that may still ask, within a bound. Observers see every reply. One inbox for each link.
class reply_inbox {
 public:
  using observer = std::function<void(offered_reply&)>;
  /// Called when replies are forgotten that a flow might have asked for, with how many these were so far: for
  /// the first, and whenever their number has doubled.
  using complaint = std::function<void(std::uint64_t replies)>;

  /// `awaited`: the replies that steps ask for. `limit`: bytes of those that nobody has taken yet; at the
  /// bound the oldest are forgotten.
  reply_inbox(const asio::any_io_executor& loop, clock& time, std::shared_ptr<const protocol::protocol> types,
              const std::set<std::string>& awaited, std::uint64_t limit);

  /// The next packets come by another protocol. Who waits goes on waiting; what is kept stays as it came. Not
  /// to be called by an observer.
  void adopt(std::shared_ptr<const protocol::protocol> types);

  /// Steps may ask for these, too, from now on.
  void await_also(const std::set<std::string>& names);
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes; }

  /// Sees each reply of that name, before any waiter, with the values that `looked_at` lists. Until
  /// `forget_observers()`, which is not to be called by one.
  void forget_observers() noexcept;
  void observe(const std::string& name, const field_list& looked_at, observer who);
  void on_forgotten(complaint who) { complain_ = std::move(who); }

  /// The receiver has found a packet; `json` as in `offered_reply`.
  void offer(const protocol::packet& packet, std::string_view json = {});

  /// The number that the next reply will have.
  [[nodiscard]] std::uint64_t next_number() const noexcept { return next_; }

  /// The first reply that fits; nobody else gets it. Null when it did not come in time, or the caller was
  /// cancelled. The time stands still while `patience()` is held.
  asio::awaitable<kept_reply> take(const wanted_reply& what, clock::duration time);
  static constexpr auto for_ever = clock::duration::max();

  /// What came of those replies since then that nobody took, for who waited in vain: "reply r came 3 times,
  /// its id was 7, not 8". Empty: none that is still known.
  [[nodiscard]] std::string unfit(const wanted_reply& what) const;

  /// The clock of those who wait. Whoever releases it calls `released()`.
  [[nodiscard]] reading_clock& patience() noexcept { return patience_; }
  void released();

 private:
  friend class reply_mark;
  struct waiter;
  /// Those who wait for replies with the same fields equal to something, by what.
  struct group {
    std::vector<std::string> paths;
    std::unordered_map<std::string, std::list<waiter*>> by_values;
  };
  struct slot {
    bool awaited = false;
    field_list looked_at;
    std::vector<observer> observers;
    std::list<group> groups;
  };
  struct place {
    slot* at;
    std::list<group>::iterator in;
    std::string values;
    std::list<waiter*>::iterator entry;
  };

  [[nodiscard]] slot* make_slot(const std::string& name);
  [[nodiscard]] kept_reply take_kept(const wanted_reply& what);
  [[nodiscard]] waiter* find_waiter(slot& at, offered_reply& reply);
  void enter(waiter& who);
  void leave(waiter& who);
  void hand_over(waiter& who, kept_reply reply);
  void keep(kept_reply reply);
  void return_unused(kept_reply reply);

  asio::any_io_executor loop_;
  clock& time_;
  std::shared_ptr<const protocol::protocol> types_;
  std::map<std::string, slot, std::less<>> slots_;  ///< of replies that somebody looks at, by name
  std::unordered_map<const protocol::message_type*, slot*> slots_by_type_;
  std::map<const protocol::message_type*, waiter*>
      others_;  ///< the waiter for a reply of this type, whoever asks for it
  reading_clock patience_;
  std::uint64_t limit_;
  boost::intrusive::list<reply_mark, boost::intrusive::constant_time_size<false>> marks_;
  std::deque<kept_reply> kept_;  ///< that nobody has taken, in their order
  std::uint64_t kept_bytes_ = 0;
  complaint complain_;
  std::uint64_t forgotten_ = 0;
  std::list<waiter*> waiters_;
  std::uint64_t next_turn_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace duplexd
