// Pure parts of the outbox: the queue's bound and order, which command replaces which, and rates.
#include "daemon/link/token_bucket.hpp"
#include "daemon/session/exchange/offline_queue.hpp"
#include "daemon/session/exchange/submission.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using names = std::vector<std::string>;

namespace {

constexpr duplexd::clock::time_point noon{};

config::command_settings coalescing_by(std::vector<std::string> fields) {
  config::command_settings made;
  made.coalesces = true;
  made.coalesce = std::move(fields);
  return made;
}

queued_command command(const std::string& name, duplexd::clock::time_point expires = noon + 1h,
                       const config::command_settings* settings = nullptr, ordered_json values = {}) {
  queued_command made;
  made.fate = std::make_shared<submission>();
  made.fate->command = name;
  if (settings != nullptr) made.settings = std::make_shared<const config::command_settings>(*settings);
  made.values = std::move(values);
  made.expires = expires;
  return made;
}

names rest(offline_queue& queue) {
  names all;
  while (auto next = queue.pop()) all.push_back(next->fate->command);
  return all;
}

names named(const std::vector<std::shared_ptr<submission>>& fates) {
  names all;
  for (const auto& each : fates) all.push_back(each->command);
  return all;
}

/// Whether `newer` takes the place of `older`.
bool replaces(const queued_command& newer, const queued_command& older) {
  offline_queue queue{config::outbox_settings{.max = 2}};
  queue.push(older);
  const auto verdict = queue.push(newer);
  CHECK(verdict.accepted);
  CHECK(queue.size() + verdict.displaced.size() == 2);
  CHECK((verdict.displaced.empty() || verdict.displaced.front() == older.fate));
  return !verdict.displaced.empty();
}

}  // namespace

TEST_CASE("the queue takes so many commands and refuses the next") {
  offline_queue queue{config::outbox_settings{.max = 2}};
  CHECK(queue.front() == nullptr);
  CHECK_FALSE(queue.pop());
  CHECK(queue.push(command("a")).accepted);
  CHECK(queue.push(command("b")).accepted);
  const auto third = queue.push(command("c"));
  CHECK_FALSE(third.accepted);
  CHECK(third.displaced.empty());
  CHECK(queue.size() == 2);
  REQUIRE(queue.front() != nullptr);
  CHECK(queue.front()->fate->command == "a");
  CHECK(rest(queue) == names{"a", "b"});
  CHECK(queue.size() == 0);
}

TEST_CASE("a full queue that drops its oldest drops one for each, and none before it is full") {
  offline_queue queue{config::outbox_settings{.max = 2, .drop_oldest = true}};
  CHECK(queue.push(command("a")).displaced.empty());
  CHECK(queue.push(command("b")).displaced.empty());
  const auto third = queue.push(command("c"));
  CHECK(third.accepted);
  CHECK(named(third.displaced) == names{"a"});
  CHECK(rest(queue) == names{"b", "c"});
}

// The same command with equal values in the fields named. A field that neither has is equal.
TEST_CASE("a command replaces another of its name and key only") {
  const auto by_id = coalescing_by({"id", "of.symbol"});
  const auto never = config::command_settings{};
  const auto any = coalescing_by({});
  const auto with = [&](const config::command_settings* settings, ordered_json values,
                        const std::string& name = "put") {
    return command(name, noon + 1h, settings, std::move(values));
  };
  const ordered_json key{{"id", 1}, {"of", {{"symbol", "a"}}}};
  const ordered_json other_id{{"id", 2}, {"of", {{"symbol", "a"}}}};
  const ordered_json other_symbol{{"id", 1}, {"of", {{"symbol", "b"}}}};
  const ordered_json no_symbol{{"id", 1}};
  CHECK(replaces(with(&by_id, key), with(&by_id, key)));
  CHECK_FALSE(replaces(with(&by_id, key), with(&by_id, other_id)));
  CHECK_FALSE(replaces(with(&by_id, key), with(&by_id, other_symbol)));
  CHECK_FALSE(replaces(with(&by_id, key), with(&by_id, no_symbol)));
  CHECK_FALSE(replaces(with(&by_id, no_symbol), with(&by_id, key)));
  CHECK(replaces(with(&by_id, no_symbol), with(&by_id, no_symbol)));
  CHECK_FALSE(replaces(with(&by_id, key), with(&by_id, key, "get")));
  CHECK_FALSE(replaces(with(&never, key), with(&by_id, key)));
  CHECK_FALSE(replaces(with(nullptr, key), with(&by_id, key)));
  CHECK(replaces(with(&any, key), with(nullptr, other_id)));
}

TEST_CASE("the newer command has the place of the one that it replaces, also in a full queue") {
  const auto by_id = coalescing_by({"id"});
  for (const bool drop_oldest : {false, true}) {
    offline_queue queue{config::outbox_settings{.max = 3, .drop_oldest = drop_oldest}};
    queue.push(command("first"));
    queue.push(command("put", noon + 1h, &by_id, {{"id", 1}}));
    queue.push(command("last"));
    auto newer = command("put", noon + 2h, &by_id, {{"id", 1}});
    const auto fate = newer.fate;
    const auto verdict = queue.push(std::move(newer));
    CHECK(verdict.accepted);
    REQUIRE(named(verdict.displaced) == names{"put"});
    CHECK(verdict.displaced.front() != fate);
    CHECK(queue.size() == 3);
    queue.pop();
    CHECK(queue.front()->fate == fate);
    CHECK(queue.front()->expires == noon + 2h);
  }
}

TEST_CASE("a command expires at its time, not before") {
  offline_queue queue{config::outbox_settings{}};
  CHECK_FALSE(queue.next_expiry());
  queue.push(command("late", noon + 3s));
  queue.push(command("early", noon + 1s));
  queue.push(command("between", noon + 2s));
  CHECK(queue.next_expiry() == noon + 1s);
  CHECK(queue.expire(noon + 1s - 1ns).empty());
  CHECK(named(queue.expire(noon + 1s)) == names{"early"});
  CHECK(queue.next_expiry() == noon + 2s);
  CHECK(named(queue.expire(noon + 3s)) == names{"late", "between"});
  CHECK(queue.size() == 0);
  CHECK_FALSE(queue.next_expiry());
}

TEST_CASE("a token bucket gives turns in order, so many at once and then at its rate") {
  token_bucket bucket{{.messages = 2, .per = 1s, .burst = 3}};
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(noon) == noon);
  CHECK(bucket.next(noon) == noon + 500ms);
  CHECK(bucket.next(noon) == noon + 500ms);  // looking takes nothing
  CHECK(bucket.take(noon) == noon + 500ms);
  CHECK(bucket.take(noon) == noon + 1s);
  CHECK(bucket.take(noon + 10s) == noon + 10s);
  CHECK(bucket.take(noon + 10s) == noon + 10s);
  CHECK(bucket.take(noon + 10s) == noon + 10s);
  CHECK(bucket.take(noon + 10s) == noon + 10s + 500ms);
}

TEST_CASE("a token comes back exactly when its time has passed") {
  token_bucket bucket{{.messages = 2, .per = 1s, .burst = 1}};
  CHECK(bucket.take(noon + 1h) == noon + 1h);
  CHECK(bucket.next(noon + 1h + 499ms) == noon + 1h + 500ms);
  CHECK(bucket.next(noon + 1h + 500ms) == noon + 1h + 500ms);
  CHECK(bucket.next(noon + 1h + 501ms) == noon + 1h + 501ms);
  token_bucket slow{{.messages = 0.5, .per = 1s, .burst = 1}};
  CHECK(slow.take(noon) == noon);
  CHECK(slow.take(noon) == noon + 2s);
}

TEST_CASE("without a rate there is no limit") {
  token_bucket none{{}};
  for (int i = 0; i < 1'000; ++i) CHECK(none.take(noon + 1s) == noon + 1s);
  CHECK(none.next(noon + 1s) == noon + 1s);
}

TEST_CASE("every state of a command has a name") {
  using enum command_state;
  const std::pair<command_state, std::string> all[] = {
      {queued, "queued"},   {written, "written"}, {confirmed, "confirmed"}, {timed_out, "timed out"},
      {unknown, "unknown"}, {expired, "expired"}, {replaced, "replaced"},   {refused, "refused"}};
  for (const auto& [state, name] : all) CHECK(name_of(state) == name);
}

namespace {

queued_command sized(const std::string& name, std::size_t size,
                     const config::command_settings* how = nullptr) {
  queued_command made = command(name, noon + 1h, how, {{"id", 1}});
  made.size = size;
  return made;
}

}  // namespace

TEST_CASE("the queue takes so many bytes, whatever their number", "[bounds]") {
  offline_queue queue{config::outbox_settings{.max = 9, .size = 10}};
  CHECK(queue.push(sized("a", 4)).accepted);
  CHECK(queue.push(sized("b", 6)).accepted);
  CHECK_FALSE(queue.push(sized("c", 1)).accepted);
  CHECK(queue.push(sized("d", 0)).accepted);
  CHECK(queue.bytes() == 10);
  CHECK(queue.pop()->fate->command == "a");
  CHECK_FALSE(queue.push(sized("e", 5)).accepted);
  CHECK(queue.push(sized("e", 4)).accepted);
  CHECK(queue.bytes() == 10);
  CHECK(queue.expire(noon + 2h).size() == 3);
  CHECK(queue.bytes() == 0);
  queue.put_back(sized("f", 20));
  queue.put_first(sized("g", 1));
  CHECK(queue.bytes() == 21);
  CHECK(queue.take("", "") != std::nullopt);
  CHECK(queue.bytes() == 20);
}

TEST_CASE("what is on its way into the queue has its room", "[bounds]") {
  offline_queue queue{config::outbox_settings{.max = 3, .size = 10}};
  CHECK(queue.push(sized("a", 2)).accepted);
  CHECK(queue.has_room(8, {}));
  CHECK_FALSE(queue.has_room(8, {1, 1}));
  CHECK(queue.has_room(7, {1, 1}));
  CHECK_FALSE(queue.has_room(1, {2, 2}));
  CHECK_FALSE(queue.push(sized("b", 8), {1, 1}).accepted);
  CHECK_FALSE(queue.push(sized("b", 1), {2, 2}).accepted);
  CHECK(queue.push(sized("b", 7), {1, 1}).accepted);
  CHECK(queue.push_accepted(sized("c", 9)).empty());
  CHECK(queue.bytes() == 18);
}

TEST_CASE("a queue of bytes that drops its oldest drops as many as make room", "[bounds]") {
  offline_queue queue{config::outbox_settings{.max = 9, .size = 10, .drop_oldest = true}};
  for (const char* each : {"a", "b", "c"}) CHECK(queue.push(sized(each, 3)).displaced.empty());
  CHECK(named(queue.push(sized("d", 5)).displaced) == names{"a", "b"});
  CHECK(queue.bytes() == 8);
  CHECK(queue.has_room(10, {5, 50}));
  CHECK_FALSE(queue.has_room(11, {}));
  CHECK_FALSE(queue.push(sized("e", 11)).accepted);
  CHECK(named(queue.push(sized("f", 10)).displaced) == names{"c", "d"});
  CHECK(rest(queue) == names{"f"});
}

TEST_CASE("a command that takes another's place takes its bytes, too", "[bounds]") {
  const auto by_id = coalescing_by({"id"});
  const bool drops = GENERATE(false, true);
  offline_queue queue{config::outbox_settings{.max = 2, .size = 10, .drop_oldest = drops}};
  CHECK(queue.push(sized("put", 2, &by_id)).accepted);
  CHECK(queue.push(sized("get", 3)).accepted);
  CHECK(named(queue.push(sized("put", 7, &by_id)).displaced) == names{"put"});
  CHECK(queue.bytes() == 10);
  const auto more = queue.push(sized("put", 8, &by_id));
  CHECK(more.accepted == drops);
  CHECK(named(more.displaced) == (drops ? names{"put", "get"} : names{}));
  CHECK(queue.bytes() == (drops ? 8 : 10));
}
