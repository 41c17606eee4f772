#include "daemon/module/nats/nats_link.hpp"

#include <fmt/format.h>

#include <utility>

#include "daemon/output/broker_message.hpp"

namespace duplexd {

std::optional<nats_target> nats_target_of(const config::output_settings& settings,
                                          reference_reader& references, std::string& error) {
  nats_target target{.address = {}, .creds_file = settings.creds_file};
  std::string url;
  for (const auto& [text, into] :
       {std::pair{&settings.url, &url}, std::pair{&settings.user, &target.user},
        std::pair{&settings.password, &target.password}, std::pair{&settings.token, &target.token},
        std::pair{&settings.ca_file, &target.ca_file}, std::pair{&settings.cert_file, &target.cert_file},
        std::pair{&settings.key_file, &target.key_file}}) {
    auto made = references.resolve(*text, error);
    if (!made) return std::nullopt;
    *into = std::move(*made);
  }
  auto address = config::parse_broker_url(url, config::nats_schemes, error);
  if (!address) return std::nullopt;
  target.address = std::move(*address);
  return target;
}

nats_link::nats_link(const config::output_settings& settings, reference_reader& references)
    : settings_(settings), references_(references), link_(settings.timeout) {
  std::string error;  // the configuration was checked
  subject_ = config::path_pattern::parse(settings.topic, error);
}

std::string nats_link::open() {
  flushed_ = next_;
  std::string error;
  const auto target = nats_target_of(settings_, references_, error);
  return target ? link_.open(*target) : error;
}

broker_link::sent nats_link::publish(const message& what) {
  const std::string subject =
      subject_ ? topic_of(*subject_, what.session, what.name, what.time, ".*> \t\r\n") : settings_.topic;
  const std::uint64_t key = next_++;
  auto made =
      link_.publish(subject, what.payload, what.id, settings_.jetstream ? std::optional(key) : std::nullopt);
  return {key, std::move(made.refusal), std::move(made.failed)};
}

broker_link::answers nats_link::wait(deadline until) {
  answers made;
  if (!settings_.jetstream) {
    made.failed = link_.flush();
    if (made.failed.empty())
      for (; flushed_ < next_; ++flushed_) made.come.push_back({flushed_, ""});
    return made;
  }
  auto come = link_.wait_answer(until);
  if (come.has_no_stream)
    made.failed = fmt::format("no stream has the subject {}, or JetStream is off: create a stream with it",
                              settings_.topic);
  else if (!come.failed.empty())
    made.failed = std::move(come.failed);
  else if (come.what.what == nats_answer::kind::not_taken)
    made.failed = std::move(come.what.why);
  else
    made.come.push_back({come.key, std::move(come.what.why)});
  return made;
}

}  // namespace duplexd
