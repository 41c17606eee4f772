#include "daemon/cli/test_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "config/value/regular_file.hpp"
#include "daemon/capture/capture.hpp"
#include "daemon/cli/codec_source.hpp"
#include "daemon/cli/json_difference.hpp"
#include "daemon/cli/message_printer.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

namespace {

using nlohmann::ordered_json;
using protocol::direction;
using protocol::frame_view;
using shared_protocol = std::shared_ptr<const protocol::protocol>;

constexpr std::size_t deepest = 200;  // the most that limits.json_depth may be

/// Unpacks messages as `decode` does.
class unpacker {
 public:
  unpacker(const shared_protocol& types, direction way) : types_(types), way_(way) { begin_link(); }

  void begin_link() { reader_ = std::make_unique<protocol::packet_reader>(types_, way_); }

  /// `partial`: without its secrets it need not fit a layout, and is left out then.
  void take(frame_view message, bool partial = false) {
    reader_->begin(message);
    protocol::packet found;
    while (reader_->next(found)) {
      if (partial && found.type == nullptr) continue;
      ordered_json event;
      if (!protocol::parse_json(line_of(found, way_, "").text, event, deepest))
        events_.push_back(std::move(event));
    }
  }

  [[nodiscard]] const ordered_json& events() const noexcept { return events_; }

 private:
  shared_protocol types_;
  direction way_;
  std::unique_ptr<protocol::packet_reader> reader_;
  ordered_json events_ = ordered_json::array();
};

void compare_event(const std::string& path, const ordered_json& expected, const ordered_json& got,
                   std::vector<std::string>& out) {
  const std::size_t before = out.size();
  if (expected.contains("reply")) {
    const ordered_json name = got.value("reply", ordered_json());
    append_differences(out, path + ".reply", expected["reply"], name, comparison::whole);
  }
  if (expected.contains("error") != got.contains("error"))
    out.push_back(fmt::format("{}: expected {}, got {}", path,
                              expected.contains("error") ? "an error" : "no error", brief(got)));
  if (out.size() > before) return;
  if (expected.contains("error"))
    append_differences(out, path + ".error", expected["error"], got.at("error"), comparison::named_fields);
  if (expected.contains("data"))
    append_differences(out, path + ".data", expected["data"], got.at("data"), comparison::whole);
  if (expected.contains("where"))
    append_differences(out, path + ".data", expected["where"], got.at("data"), comparison::named_fields);
}

std::vector<std::string> compare_events(const ordered_json& expected, const ordered_json& got) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string path = fmt::format("events[{}]", i);
    if (i >= got.size())
      out.push_back(fmt::format("{}: expected {}, got nothing", path, brief(expected[i])));
    else if (i >= expected.size())
      out.push_back(fmt::format("{}: expected nothing, got {}", path, brief(got[i])));
    else
      compare_event(path, expected[i], got[i], out);
  }
  return out;
}

std::string shown(const test_message& message) {
  if (message.kind == protocol::frame_kind::text)
    return "text " + brief_text(std::string_view{reinterpret_cast<const char*>(message.bytes.data()),
                                                 message.bytes.size()});
  std::string digits;
  protocol::append_hex(digits, message.bytes);
  return "hex " + brief_text(std::string_view{digits});
}

/// By bytes, and by field as far as both can be unpacked.
std::vector<std::string> compare_packed(const shared_protocol& types, const test_message& expected,
                                        const test_message& got) {
  if (expected.kind == got.kind && expected.bytes == got.bytes) return {};
  std::vector<std::string> out;
  out.push_back(fmt::format("message: expected {}, got {}", shown(expected), shown(got)));
  unpacker theirs(types, direction::command);
  theirs.take({expected.kind, expected.bytes});
  unpacker ours(types, direction::command);
  ours.take({got.kind, got.bytes});
  append_differences(out, "packets", theirs.events(), ours.events(), comparison::whole);
  return out;
}

struct case_runner {
  const shared_protocol& types;
  const std::string& session;
  const std::string& directory;

  std::vector<std::string> operator()(const receive_case& what) const {
    unpacker all(types, direction::reply);
    for (const test_message& each : what.messages) all.take({each.kind, each.bytes});
    return compare_events(what.events, all.events());
  }

  std::vector<std::string> operator()(const send_case& what) const {
    packed_message packed = pack_named(*types, direction::command, what.command, what.values);
    if (!packed.error.empty()) return {packed.error};
    return compare_packed(types, what.packed, {packed.kind, std::move(packed.bytes)});
  }

  std::vector<std::string> operator()(const capture_case& what) const {
    const std::string path = (std::filesystem::path(directory) / what.file).string();
    const auto text = config::read_regular_file(path, largest_test_capture);
    if (!text) return {fmt::format("capture {}: {}", path, text.error)};
    std::istringstream lines(text.value);
    std::string why;
    const auto entries = read_capture(lines, why);
    if (!entries) return {fmt::format("capture {}: {}", path, why)};
    unpacker all(types, direction::reply);
    bool is_there = false;
    for (const capture_entry& each : *entries) {
      if (each.session != session) continue;
      is_there = true;
      if (each.event == capture_event::opened) all.begin_link();
      if (each.event != capture_event::message || each.way != capture_way::in || !each.bytes) continue;
      const std::vector<std::uint8_t> bytes(each.bytes->begin(), each.bytes->end());
      all.take({each.kind, bytes}, each.redacted);
    }
    if (!is_there) return {fmt::format("capture {}: it has nothing of session {}", path, session)};
    return compare_events(what.events, all.events());
  }
};

}  // namespace

std::vector<std::string> run_case(const test_case& what, const session_protocols& all,
                                  const std::string& directory) {
  std::string names;
  for (const auto& [name, types] : all) names += (names.empty() ? "" : ", ") + name;
  if (what.session.empty() && all.size() != 1)
    return {fmt::format("session: there are several; choose one of {}", names)};
  const auto found = what.session.empty() ? all.begin() : all.find(what.session);
  if (found == all.end())
    return {fmt::format("session: there is no session {}; available: {}", what.session, names)};
  return std::visit(case_runner{found->second, found->first, directory}, what.what);
}

}  // namespace duplexd::cli
