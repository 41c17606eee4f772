#include "daemon/output/module_writer.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/output/record_text.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd {

using nlohmann::ordered_json;

module_writer::module_writer(const config::output_settings& settings, const clock& time, loader load,
                             std::unique_ptr<event_writer> refused)
    : settings_(settings), load_(std::move(load)), references_(time), refused_(std::move(refused)) {}

std::string module_writer::open() {
  if (writer_ != nullptr) return "";
  loaded_module found = load_();
  if (found.module == nullptr) return std::move(found.error);
  writer_.reset(found.module->make(settings_, *this));
  return "";
}

event_writer::progress module_writer::write(const record_batch& records) {
  if (std::string why = open(); !why.empty()) return {.failed = std::move(why)};
  progress made = writer_->write(records);
  references_.mask(made.failed);
  references_.mask(made.refusal);
  return made;
}

void module_writer::tidy() {
  if (writer_ != nullptr) writer_->tidy();
  if (refused_ != nullptr) refused_->tidy();
}

event_writer::target_place module_writer::find_place(const std::string& journal) {
  if (std::string why = open(); !why.empty()) return {.failed = std::move(why)};
  target_place found = writer_->find_place(journal);
  references_.mask(found.failed);
  return found;
}

bool module_writer::wants_values() const noexcept {
  return settings_.type == config::output_type::postgres;
}

std::string module_writer::keep_refused(const record_batch::record& refused, const std::string& why) {
  if (refused_ == nullptr) return "";
  std::string masked = why;
  references_.mask(masked);
  ordered_json line{{"time", refused.time},
                    {"session", refused.session},
                    {"reply", refused.name},
                    {"refused", masked},
                    {"data", protocol::json_tree(refused.text)}};
  if (line["data"].is_discarded()) line["data"] = without_newline(refused.text);
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
  record_batch one;
  one.add({.what = refused.what, .session = refused.session, .time = refused.time, .name = refused.name},
          text);
  const progress made = refused_->write(one);
  return made.written == one.size() ? "" : "dead letters: " + made.failed;
}

}  // namespace duplexd
