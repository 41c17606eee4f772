#include "config/script/script.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/value/quantity.hpp"

namespace duplexd::config {

namespace {

/// The lists of steps inside a step.
template <class Step>
std::vector<const step_list*> lists_in(const Step& step) {
  std::vector<const step_list*> lists;
  if constexpr (requires { lists.push_back(&step.body); }) lists = {&step.body};
  if constexpr (requires { lists.push_back(&step.then); }) lists = {&step.then, &step.otherwise};
  if constexpr (requires { step.branches; })
    for (const step_list& each : step.branches) lists.push_back(&each);
  return lists;
}

}  // namespace

void for_each_step(const step_list& steps, const std::function<void(const script_step&)>& visit) {
  for (const script_step& step : steps) {
    visit(step);
    const auto lists = std::visit([](const auto& action) { return lists_in(action); }, step.action);
    for (const step_list* inner : lists) for_each_step(*inner, visit);
    if (step.on_fault) for_each_step(*step.on_fault, visit);
    if (step.finally) for_each_step(*step.finally, visit);
  }
}

void gather_bursts(step_list& steps) {
  constexpr std::size_t longest = 1u << 20;  // bytes
  std::shared_ptr<burst> open;
  for (script_step& step : steps) {
    const auto* command = std::get_if<send_step>(&step.action);
    if (command == nullptr || !command->packed || step.timeout || step.finally) {
      open.reset();
      continue;
    }
    const auto& packet = command->packed->bytes;
    if (open && open->bytes.size() + packet.size() > longest) open.reset();
    if (!open) open = std::make_shared<burst>();
    open->bytes.insert(open->bytes.end(), packet.begin(), packet.end());
    step.burst_index = static_cast<std::uint32_t>(open->packets.size());
    open->packets.push_back({command->packed->kind, static_cast<std::uint32_t>(open->bytes.size())});
    step.in_burst = open;
  }
}

resolved<milliseconds> duration_template::resolve(scope* inside) const {
  if (!text) return {fixed, ""};
  const auto value = text->resolve_value(inside);
  if (!value) return {{}, value.error};
  if (value.value.is_number()) {
    const double count = value.value.get<double>();
    const double most = static_cast<double>(longest_duration.count());
    if (count >= 0) return {milliseconds{static_cast<milliseconds::rep>(std::min(count, most))}, ""};
  } else if (value.value.is_string()) {
    if (const auto time = parse_bounded_duration(value.value.get_ref<const std::string&>()))
      return {*time, ""};
  }
  return {{},
          fmt::format("{}: the value is not a duration (a number of milliseconds, or a text such as 30s)",
                      text->display())};
}

}  // namespace duplexd::config
