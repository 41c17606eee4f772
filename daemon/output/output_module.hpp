#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/output_settings.hpp"
#include "daemon/loading/module_file.hpp"
#include "daemon/output/broker_receiver.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// Reads references, on the thread of who asks.
class reference_reader {
 public:
  reference_reader() = default;
  reference_reader(const reference_reader&) = delete;
  reference_reader& operator=(const reference_reader&) = delete;
  virtual ~reference_reader() = default;

  /// The text with its references read now. None: `error` says why.
  [[nodiscard]] virtual std::optional<std::string> resolve(const config::text_template& text,
                                                           std::string& error) = 0;
};

/// What a module's writer asks the daemon for, on the thread that it writes on.
class module_host : public reference_reader {
 public:
  /// Whether there is a file for what a target refuses.
  [[nodiscard]] virtual bool keeps_refused() const noexcept = 0;
  /// Puts a record into it, if there is one. Returns why that failed; empty: it did not.
  [[nodiscard]] virtual std::string keep_refused(const record_batch::record& refused,
                                                 const std::string& why) = 0;
};

/// What a module for outputs, `duplexd-TYPE.so`, gives when it is loaded.
struct output_module {
  module_head head;
  /// The writer, which is deleted before the host is.
  event_writer* (*make)(const config::output_settings& settings, module_host& host);
  /// What receives commands, which is deleted before the reader is; null: there is none of that kind.
  broker_receiver* (*receive)(const config::output_settings& settings, reference_reader& references);
};

inline constexpr std::uint32_t module_interface = 4;
/// The name of such a module's only symbol, a function that returns its head.
inline constexpr const char* module_entry = "duplexd_output_module";

}  // namespace duplexd
