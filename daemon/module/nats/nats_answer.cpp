#include "daemon/module/nats/nats_answer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace duplexd {

using nlohmann::json;

nats_answer answer_of(std::string_view acknowledgement) {
  using enum nats_answer::kind;
  const json read = json::parse(acknowledgement, nullptr, false);
  if (read.is_object() && read.contains("error") && read["error"].is_object()) {
    const json& error = read["error"];
    const json code = error.value("err_code", json(0));
    const json words = error.value("description", json(""));
    constexpr int message_too_large = 10054;
    return {code == message_too_large ? refused : not_taken,
            fmt::format("JetStream says: {} ({})", words.is_string() ? words.get<std::string>() : "an error",
                        code.dump())};
  }
  if (read.is_object() && read.contains("stream") && read.contains("seq")) return {};
  return {not_taken, "somebody who is not JetStream answers messages with this subject"};
}

}  // namespace duplexd
