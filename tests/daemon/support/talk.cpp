#include "tests/daemon/support/talk.hpp"

#include <algorithm>

namespace duplexd::test {

using nlohmann::ordered_json;

std::string talk_yaml(const std::string& fields) {
  const bool has_liveness = fields.find("    liveness:") != std::string::npos;
  const std::string quiet = has_liveness ? "" : "    liveness: {ping_interval: 0, idle_timeout: 0}\n";
  return R"(version: 1
sessions:
  s:
    url: ws://server/
    protocol:
      commands:
        get: {json: {op: get, 'id?': ~, 'data?': ~}}
        put: {json: {op: put, 'id?': ~, 'data?': ~}}
        pong: {json: {op: pong, 'id?': ~, 'data?': ~}}
      replies:
        - {as: got, when: {json: /op, is: got}, frame: text}
        - {as: done, when: {json: /op, is: done}, frame: text}
        - {as: ping, when: {json: /op, is: ping}, frame: text}
        - {as: tick, when: {json: /op, is: tick}, frame: text}
        - {as: challenge, when: {json: /op, is: challenge}, frame: text}
)" + quiet +
         fields;
}

message say(ordered_json what) {
  return text(what.dump());
}

void answer_gets(scripted_server& server, const message& what) {
  const ordered_json values = values_of(what);
  if (values.value("op", "") != "get") return;
  ordered_json reply{{"op", "got"}};
  if (values.contains("id")) reply["id"] = values["id"];
  if (values.contains("id") && values["id"].is_number()) reply["value"] = values["id"].get<int>() * 10;
  server.say(say(reply));
}

std::string end_of(const stage& play) {
  if (!play.result) return "-";
  if (!play.result->fatal) return "";
  return std::string(config::name_of(play.result->fatal->kind)) + ": " + play.result->fatal->cause;
}

long logged(const stage& play, const std::string& part) {
  return std::ranges::count_if(play.log(),
                               [&](const auto& line) { return line.find(part) != std::string::npos; });
}

ordered_json values_of(const message& what) {
  return ordered_json::parse(what.bytes);
}

std::vector<std::string> heard(const scripted_server& server) {
  std::vector<std::string> all;
  for (const message& each : server.received) {
    const ordered_json values = values_of(each);
    std::string line = values.value("op", "?");
    if (values.contains("id"))
      line += " " + (values["id"].is_string() ? values["id"].get<std::string>() : values["id"].dump());
    all.push_back(std::move(line));
  }
  return all;
}

}  // namespace duplexd::test
