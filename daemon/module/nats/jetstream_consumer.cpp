#include "daemon/module/nats/jetstream_consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/module/nats/nats_answer.hpp"

namespace duplexd {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

constexpr std::int64_t consumer_not_found = 10014;
constexpr std::int64_t stream_not_found = 10059;

/// The configuration in an answer; null: `mistake` says why there is none.
json configuration_of(std::string_view answer, std::string& mistake, std::int64_t& code) {
  if (answer.size() > largest_answer) {
    mistake = fmt::format("what JetStream says has more than {} bytes", largest_answer);
    return nullptr;
  }
  json read = json::parse(answer, nullptr, false);
  if (const auto error = error_of(read)) {
    code = error->code;
    mistake = error->text;
    return nullptr;
  }
  if (read.is_object() && read.contains("config") && read["config"].is_object())
    return std::move(read["config"]);
  mistake = "what JetStream says cannot be read";
  return nullptr;
}

std::string text_of(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

/// 0: there is none, or no limit.
std::uint64_t limit_of(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::vector<std::string> texts_of(const json& from, const char* key) {
  std::vector<std::string> made;
  if (const auto found = from.find(key); found != from.end() && found->is_array())
    for (const json& each : *found)
      if (each.is_string()) made.push_back(each.get<std::string>());
  return made;
}

template <class T>
T lesser(T most, std::uint64_t limit) {
  return limit == 0 || limit > static_cast<std::uint64_t>(most) ? most : static_cast<T>(limit);
}

}  // namespace

jetstream_consumer read_consumer(std::string_view answer, const std::string& stream,
                                 const std::string& consumer) {
  jetstream_consumer made;
  std::int64_t code = 0;
  const json config = configuration_of(answer, made.mistake, code);
  if (code == stream_not_found) made.mistake = fmt::format("there is no stream '{}': create it", stream);
  if (code == consumer_not_found)
    made.mistake = fmt::format(
        "the stream '{}' has no consumer '{}': create it, as a pull consumer with explicit acknowledgement",
        stream, consumer);
  if (!made.mistake.empty()) return made;
  const std::string policy = text_of(config, "ack_policy");
  if (!text_of(config, "deliver_subject").empty())
    made.mistake = fmt::format("the consumer '{}' is a push consumer: create a pull consumer", consumer);
  else if (policy != "explicit")
    made.mistake = fmt::format("the consumer '{}' has the acknowledgement '{}': it must be 'explicit'",
                               consumer, policy);
  made.subjects = texts_of(config, "filter_subjects");
  if (std::string one = text_of(config, "filter_subject"); !one.empty())
    made.subjects.push_back(std::move(one));
  made.messages =
      lesser(lesser(made.messages, limit_of(config, "max_batch")), limit_of(config, "max_ack_pending"));
  made.message_bytes = static_cast<std::size_t>(limit_of(config, "max_bytes"));
  made.bytes = lesser(made.bytes, made.message_bytes);
  if (const std::uint64_t longest = limit_of(config, "max_expires"); longest != 0) {
    const auto least = std::max<std::uint64_t>(longest / 1'000'000, 1);
    made.wait = milliseconds{lesser(made.wait.count(), least)};
  }
  return made;
}

stream_subjects read_stream(std::string_view answer) {
  stream_subjects made;
  std::int64_t code = 0;
  const json config = configuration_of(answer, made.mistake, code);
  if (made.mistake.empty()) made.subjects = texts_of(config, "subjects");
  return made;
}

std::string pull_request(std::size_t messages, std::size_t bytes, milliseconds wait) {
  json made{{"batch", messages}, {"expires", nanoseconds{wait}.count()}};
  if (bytes != 0) made["max_bytes"] = bytes;
  return made.dump();
}

std::string mistake_in_status(std::string_view status, bool is_for_one) {
  const auto is = [status](std::string_view text) { return status.starts_with(text); };
  const bool is_too_large = is("409 Message Size Exceeds MaxBytes");
  if (is_too_large && is_for_one) return "the next message is larger than the consumer's max_bytes allows";
  if (is("404") || is("408") || is_too_large || is("409 Batch Completed")) return "";
  if (is("503")) return "JetStream does not answer: it is off, or the stream has no leader";
  return fmt::format("JetStream says: {}", status);
}

std::string id_of(std::string_view given, std::uint64_t sequence, std::int64_t time) {
  if (!given.empty() && given.size() <= broker_receiver::longest_id) return std::string{given};
  return fmt::format("{}:{}", sequence, time);
}

}  // namespace duplexd
