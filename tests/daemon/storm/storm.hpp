#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/daemon/storm/promises.hpp"
#include "tests/daemon/storm/stormy_link.hpp"
#include "tests/daemon/support/stage.hpp"

namespace duplexd::test {

/// One session on a network on which everything goes wrong that a seed can draw, then in calm weather.
/// Virtual time, always the same for the same seed.
class storm {
 public:
  struct plan {
    std::uint64_t seed = 0;
    std::uint64_t reset_at = 0;  ///< only this: the connection is reset at this I/O step; 0: draw faults
  };

  explicit storm(const plan& how);
  storm(const storm&) = delete;
  storm& operator=(const storm&) = delete;

  /// All of it: storm, calm, stop. Look at `kept()` then.
  void run();

  [[nodiscard]] const promises& kept() const noexcept { return kept_; }

  /// I/O steps before the calm.
  [[nodiscard]] std::uint64_t steps() const noexcept { return stormy_steps_; }
  [[nodiscard]] const std::vector<std::string>& log() const { return play_.log(); }

 private:
  static constexpr std::size_t outbox_bound = 20;
  struct peer {
    std::shared_ptr<stormy_wire> wire;
    std::vector<std::uint32_t> held{};  ///< orders whose answers come later, in the wrong order
  };

  [[nodiscard]] bool chance(double share) { return std::uniform_real_distribution<>{}(random_) < share; }
  [[nodiscard]] clock::duration up_to(clock::duration most);
  [[nodiscard]] bool stormy() const noexcept { return !calm_ && how_.reset_at == 0; }

  stormy_dial next_dial();
  fault any_fault();
  std::shared_ptr<stormy_wire> make_link();
  void brew(peer& at);
  void feed(peer& at, std::uint32_t number);
  void end(peer& at);
  void serve(peer& at, const message& what);
  void grant(peer& at);
  void answer(peer& at, std::uint32_t id);
  void confirm(peer& at, std::uint32_t id);
  void later(clock::duration delay, std::function<void()> what);
  void count_step(stormy_wire& on);
  void submit_something();
  std::shared_ptr<const submission> submit(promises::kind what);

  /// Tells the promises, too.
  class witness final : public telemetry {
   public:
    witness(promises& first, telemetry& then) : first_(first), then_(then) {}
    void record(std::string_view session, const event& what) override {
      first_.told(what);
      then_.record(session, what);
    }

   private:
    promises& first_;
    telemetry& then_;
  };

  plan how_;
  std::mt19937_64 random_;
  stage play_;
  promises kept_{play_.time, outbox_bound};
  witness telemetry_{kept_, play_.telemetry};
  std::deque<peer> peers_;  ///< all there ever were: what was planned for them may refer to them
  stormy_dialer links_;
  bool calm_ = false;
  std::uint64_t steps_ = 0;
  std::uint64_t stormy_steps_ = 0;
  std::uint32_t last_id_ = 0;
};

}  // namespace duplexd::test
