#include "daemon/module/nats/nats_answer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace duplexd {

using nlohmann::json;

std::optional<jetstream_error> error_of(const json& answer) {
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_object()) return std::nullopt;
  const json& error = answer["error"];
  const json code = error.value("err_code", json(0));
  const json words = error.value("description", json(""));
  return jetstream_error{code.is_number_integer() ? code.get<std::int64_t>() : 0,
                         fmt::format("JetStream says: {} ({})",
                                     words.is_string() ? words.get<std::string>() : "an error", code.dump())};
}

nats_answer answer_of(std::string_view acknowledgement) {
  using enum nats_answer::kind;
  const json read = json::parse(acknowledgement, nullptr, false);
  if (const auto error = error_of(read)) {
    constexpr std::int64_t message_too_large = 10054;
    return {error->code == message_too_large ? refused : not_taken, error->text};
  }
  if (read.is_object() && read.contains("stream") && read.contains("seq")) return {};
  return {not_taken, "somebody who is not JetStream answers messages with this subject"};
}

}  // namespace duplexd
