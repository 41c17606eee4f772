// The field table, part: the step that sends bytes from outside.
#include <fmt/format.h>

#include "config/fields/output_fields.hpp"
#include "config/fields/step_kind.hpp"

namespace duplexd::config {

namespace {

struct parsed_source : stream_step {
  protocol::position where;
  std::string path;
  bool standard_input = false;
  unresolved_name send;
  unresolved_values with;
  std::optional<unresolved_name> last_name;
  unresolved_values last_with;
};

constexpr std::uint64_t largest_chunk = 1u << 20;

}  // namespace

template <>
const section& section_of<parsed_source>() {
  using s = parsed_source;
  const fields_of<s> make;
  static const section fields{
      "stream",
      "Bytes from outside, sent in chunks, one a command. Its result has `chunks` and `bytes`, how many were "
      "sent. No more is read than one or two chunks that the server has yet to take.",
      {
          make.as<path_parser>("file", &s::file, "A regular file.").example("audio.raw"),
          make("exec", &s::program,
               "A program, without a shell, whose standard output is sent; it is ended when the step ends "
               "before it. Every user of the machine can see its arguments.")
              .example({"/usr/bin/arecord", "-t", "raw", "-f", "cd"}),
          make("stdin", &s::standard_input,
               "`true`: the daemon's own standard input; what was read of it is gone. One step reads it at a "
               "time, and not with `--commands`.")
              .example(true),
          make.as<size_parser>("chunk", &s::chunk, "The size of a chunk; the last one may be smaller.")
              .range(1, largest_chunk, "1 to 1MiB")
              .example("3200"),
          make("every", &s::every,
               "The time from one chunk to the next. What is late is not caught up with. Default: as fast as "
               "the server takes them.")
              .example("100ms"),
          make("send", &s::send, "The command that carries a chunk.").required().example("audio"),
          make("as", &s::field,
               "The command's field that takes the chunk: of a layout one of the type `bytes` or `b64`; of "
               "JSON "
               "a slot, which gets base64."),
          make("with", &s::with, "The command's other values.").example({{"channel", 1}}),
          make("last", &s::last_name,
               "A command to send after the end. If it has the field of `as`, it takes the last chunk.")
              .example("audio_end"),
          make("last_with", &s::last_with, "Its values.").only_beside({"last"}).example({{"channel", 1}}),
      },
      false,
      {"file", "exec", "stdin"}};
  return fields;
}

namespace {

struct parsed_stream : stream_step {
  parsed_source source;

  void build(parsed_step& from, script_builder& make) {
    parsed_source& at = source;
    if (make.part() == script_part::before)
      make.complain(from, "this step is not allowed under 'before', when there is no connection yet",
                    "put it into the script");
    if (at.file) make.use(*at.file, at.where, at.path + ".file");
    for (const text_template& part : at.program) make.use(part, at.where, at.path + ".exec");
    if (const auto secret = visible_secret(at.program))
      make.warn(at.where, at.path + ".exec",
                fmt::format("everybody on the machine can see {} in a program's arguments", *secret),
                "let the program read it from a file");
    if (!at.file && at.program.empty() && !at.standard_input)
      make.complain(at, "there is nothing to stream", "give a file, a program, or stdin: true");
    if (at.every) make.use(*at.every, at.where, at.path + ".every");
    at.each = make.carrier(at.send, at.with, at.field, false);
    if (at.last_name) at.last = make.carrier(*at.last_name, at.last_with, at.field, true);
    static_cast<stream_step&>(*this) = std::move(at);
  }
};

}  // namespace

step_kind stream_kind() {
  using s = parsed_stream;
  const fields_of<s> make;
  return kind_of<stream_step, s>(
      {make("stream", &s::source, "Send a file, a program's output or stdin in chunks.")
           .example({{"file", "audio.raw"}, {"send", "audio"}})});
}

}  // namespace duplexd::config
