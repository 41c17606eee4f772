#include "daemon/session/exchange/start_variables.hpp"

#include <cstdlib>

namespace duplexd {

void start_variables(const config::session_settings& settings, variables& values,
                     const session_context& context) {
  safe_keeping* const safe = context.safe;
  const auto kept = safe == nullptr ? std::map<std::string, std::string>{} : safe->kept(settings.name);
  const auto start = [&](const std::string& name, nlohmann::ordered_json value) {
    if (values.set(name, std::move(value)) == variables::outcome::done) return;
    context.telemetry.record(settings.name,
                             happening::limit_reached{"limits.variables", name + " has no value"});
  };
  values.make_durable({}, 0, {});
  std::set<std::string> durable;
  for (const auto& [name, variable] : settings.variables) {
    const bool keeps = variable.durable && safe != nullptr;
    const auto known = keeps ? kept.find(name) : kept.end();
    const auto* const now = values.find(name);
    if (now != nullptr && keeps && (known == kept.end() || known->second != variables::text_of(*now)))
      safe->keep(settings.name, name, variables::text_of(*now));
    auto stored = known == kept.end() ? nlohmann::ordered_json(nlohmann::ordered_json::value_t::discarded)
                                      : nlohmann::ordered_json::parse(known->second, nullptr, false);
    if (now == nullptr && !stored.is_discarded())
      start(name, std::move(stored));
    else if (now == nullptr && variable.initial)
      start(name, *variable.initial);
    if (!keeps) continue;
    durable.insert(name);
    if (const auto counted = kept.find(variables::counter_prefix + name); counted != kept.end())
      values.go_on_from(name, std::strtoull(counted->second.c_str(), nullptr, 10));
  }
  values.make_durable(durable, settings.limits.durable_variables,
                      [safe, session = settings.name](const std::string& name, std::string value) {
                        safe->keep(session, name, std::move(value));
                      });
}

}  // namespace duplexd
