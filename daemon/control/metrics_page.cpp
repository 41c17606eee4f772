#include "daemon/control/metrics_page.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "protocol/message/message_type.hpp"

namespace duplexd {

namespace {

/// A session at one moment.
struct sample {
  const session& of;
  const session_counters& counted;
  const session_status status;
  clock::time_point now;
};

/// A metric's value; without one there is no line.
struct number {
  number() = default;
  number(std::uint64_t value) : whole(value) {}
  number(double value) : real(value) {}
  std::optional<std::uint64_t> whole{};
  std::optional<double> real{};
};

struct metric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  number (*value)(const sample&);
};

double seconds(clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

constexpr std::array metrics{
    metric{"duplexd_session_up", "gauge", "Whether the session is connected and logged in.",
           [](const sample& s) -> number { return std::uint64_t{s.status.phase == session_phase::up}; }},
    metric{"duplexd_session_phase_seconds", "gauge", "How long the session has been in its present phase.",
           [](const sample& s) -> number { return seconds(s.now - s.status.since); }},
    metric{"duplexd_session_attempts_total", "counter", "Connection attempts, each URL for itself.",
           [](const sample& s) -> number { return s.counted.attempts; }},
    metric{"duplexd_session_connections_total", "counter", "Connections that were established.",
           [](const sample& s) -> number { return s.counted.connections; }},
    metric{"duplexd_session_logins_total", "counter", "Connections on which the login was granted.",
           [](const sample& s) -> number { return s.counted.logins; }},
    metric{"duplexd_session_faults_total", "counter",
           "Connection attempts that failed, and connections that ended by a fault.",
           [](const sample& s) -> number { return s.counted.faults; }},
    metric{"duplexd_session_undecodable_total", "counter", "Packets received that no layout fits.",
           [](const sample& s) -> number { return s.counted.undecodable; }},
    metric{"duplexd_session_received_bytes_total", "counter", "Bytes of packets received.",
           [](const sample& s) -> number { return s.counted.received; }},
    metric{"duplexd_session_sent_messages_total", "counter", "Messages given to connections.",
           [](const sample& s) -> number { return s.of.given().messages; }},
    metric{"duplexd_session_sent_bytes_total", "counter", "Bytes of messages given to connections.",
           [](const sample& s) -> number { return s.of.given().bytes; }},
    metric{"duplexd_session_commands_total", "counter", "Commands taken from outside.",
           [](const sample& s) -> number { return s.counted.submitted; }},
    metric{"duplexd_session_commands_unsuccessful_total", "counter",
           "Commands from outside that came to another end than written or confirmed.",
           [](const sample& s) -> number { return s.counted.unsuccessful; }},
    metric{"duplexd_session_queued_commands", "gauge", "Commands that wait to be sent.",
           [](const sample& s) -> number { return std::uint64_t{s.status.queued}; }},
    metric{"duplexd_session_unconfirmed_commands", "gauge",
           "Commands that wait for the reply that confirms them.",
           [](const sample& s) -> number { return std::uint64_t{s.status.unconfirmed}; }},
    metric{"duplexd_session_unsent_bytes", "gauge", "Bytes that the kernel has not taken yet.",
           [](const sample& s) -> number { return std::uint64_t{s.status.unsent}; }},
    metric{"duplexd_session_round_trip_seconds", "gauge",
           "The kernel's estimate of the TCP round trip to the server, or to the proxy.",
           [](const sample& s) -> number {
             if (!s.status.round_trip) return {};
             return seconds(*s.status.round_trip);
           }},
    metric{"duplexd_session_newest_event_age_seconds", "gauge",
           "How long ago the newest event happened, by its own time.",
           [](const sample& s) -> number {
             if (!s.status.newest_event_age) return {};
             return seconds(*s.status.newest_event_age);
           }},
    metric{"duplexd_session_event_times_unusable_total", "counter", "Events whose field has no time.",
           [](const sample& s) -> number {
             if (!s.of.lag().rule()) return {};
             return s.of.lag().unusable();
           }},
    metric{"duplexd_session_event_times_ahead_total", "counter",
           "Events whose time was in the future when they arrived.",
           [](const sample& s) -> number {
             if (!s.of.lag().rule()) return {};
             return s.of.lag().ahead();
           }},
};

constexpr std::string_view replies_name = "duplexd_session_replies_total";
constexpr std::string_view lag_name = "duplexd_session_event_lag_seconds";

/// For a label's value.
void append_escaped(std::string& to, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      to += "\\n";
    } else {
      if (c == '\\' || c == '"') to += '\\';
      to += c;
    }
  }
}

void append_head(std::string& to, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(to), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

/// A histogram's lines: each bucket counts what the ones before it do, too.
void append_histogram(std::string& to, std::string_view name, std::string_view label,
                      const lag_histogram& lags) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < lags.counts.size(); ++i) {
    count += lags.counts[i];
    const bool is_last = i == lag_histogram::bounds.size();
    const std::string bound = is_last ? "+Inf" : fmt::format("{}", seconds(lag_histogram::bounds[i]));
    fmt::format_to(std::back_inserter(to), "{}_bucket{},le=\"{}\"}} {}\n", name, label, bound, count);
  }
  fmt::format_to(std::back_inserter(to), "{0}_sum{1}}} {2:.6f}\n{0}_count{1}}} {3}\n", name, label, lags.sum,
                 count);
}

}  // namespace

metrics_page::metrics_page() : parts_(metrics.size()) {
  for (std::size_t i = 0; i < metrics.size(); ++i)
    append_head(parts_[i], metrics[i].name, metrics[i].type, metrics[i].help);
  append_head(replies_, replies_name, "counter", "Replies received and unpacked.");
  append_head(lags_, lag_name, "histogram", "How old events were when they arrived, by their own time.");
}

void metrics_page::add(const session& each, clock::time_point now) {
  const sample taken{each, each.counters(), each.status(), now};
  std::string label = "{session=\"";
  append_escaped(label, each.name());
  label += '"';
  const auto append = [&](std::string& to, std::string_view name, std::string_view more, auto value) {
    const fmt::format_int digits(std::is_integral_v<decltype(value)> ? static_cast<std::uint64_t>(value) : 0);
    to.append(name).append(label).append(more).append("} ");
    if constexpr (std::is_integral_v<decltype(value)>)
      to.append(digits.data(), digits.size());
    else
      fmt::format_to(std::back_inserter(to), "{:.6f}", value);
    to += '\n';
  };
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const number value = metrics[i].value(taken);
    if (value.whole) append(parts_[i], metrics[i].name, "", *value.whole);
    if (value.real) append(parts_[i], metrics[i].name, "", *value.real);
  }
  if (each.lag().rule()) append_histogram(lags_, lag_name, label, each.lag().histogram());
  const auto& types = each.messages().types(protocol::direction::reply);
  std::string reply;
  for (std::size_t i = 0; i < taken.counted.replies.size(); ++i) {
    reply = ",reply=\"";
    append_escaped(reply, protocol::name_of(types[i]));
    reply += '"';
    append(replies_, replies_name, reply, taken.counted.replies[i]);
  }
}

std::string metrics_page::take(std::string_view version) && {
  std::string page;
  append_head(page, "duplexd_build_info", "gauge", "The version of duplexd.");
  page.append("duplexd_build_info{version=\"");
  append_escaped(page, version);
  page += "\"} 1\n";
  std::size_t size = page.size() + replies_.size() + lags_.size();
  for (const std::string& each : parts_) size += each.size();
  page.reserve(size);
  for (const std::string& each : parts_) page += each;
  page += replies_;
  return page += lags_;
}

}  // namespace duplexd
