#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/value_visitor.hpp"
#include "protocol/message/protocol.hpp"

namespace duplexd::protocol {
namespace {

/// Writes a line for each place, and behind it the values that it holds.
class explain_visitor final : public value_visitor {
 public:
  explicit explain_visitor(std::string& out) : out_(out) {}

  void begin_object() override { open(false); }
  void end_object() override { close(); }
  void begin_array() override { open(true); }
  void end_array() override { close(); }
  void key(const field_name& name) override {
    if (!levels_.empty()) levels_.back().name = name.text;
  }
  void element() override {
    if (!levels_.empty()) ++levels_.back().index;
  }
  void integer(std::int64_t v) override {
    value([=](json_writer& to) { to.integer(v); });
  }
  void natural(std::uint64_t v) override {
    value([=](json_writer& to) { to.natural(v); });
  }
  void decimal(int128 m, unsigned p) override {
    value([=](json_writer& to) { to.decimal(m, p); });
  }
  void real(double v) override {
    value([=](json_writer& to) { to.real(v); });
  }
  void boolean(bool v) override {
    value([=](json_writer& to) { to.boolean(v); });
  }
  void null() override {
    value([](json_writer& to) { to.null(); });
  }
  void text(std::string_view v) override {
    value([=](json_writer& to) { to.text(v); });
  }
  void hex(bytes_view v) override {
    value([=](json_writer& to) { to.hex(v); });
  }
  void base64(bytes_view v) override {
    value([=](json_writer& to) { to.base64(v); });
  }
  void json(std::string_view v) override {
    value([=](json_writer& to) { to.json(v); });
  }

  void place(bytes_view data, std::size_t begin, std::size_t end, const instruction& field) override {
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    constexpr std::size_t shown = 12;
    std::string bytes;
    append_hex(bytes, data.subspan(begin, std::min(end - begin, shown)));
    if (end - begin > shown) bytes += fmt::format("… ({} bytes)", end - begin);
    fmt::format_to(std::back_inserter(out_), "{:>6}  {:<26}", begin, bytes);
    if (field.code == op::pad || field.code == op::align) out_ += " (padding)";
    if (field.helper) out_ += " (length or count)";
    if (field.hidden && !field.helper) out_ += " (hidden)";
  }

 private:
  struct level {
    bool list = false;
    std::string name;
    std::size_t index = 0;
  };
  void open(bool list) { levels_.push_back({list, {}, 0}); }
  void close() { levels_.pop_back(); }

  template <class Write>
  void value(Write write) {
    std::string path;
    for (const level& at : levels_) {
      if (at.list)
        fmt::format_to(std::back_inserter(path), "[{}]", at.index == 0 ? 0 : at.index - 1);
      else
        path += (path.empty() ? "" : ".") + at.name;
    }
    out_ += fmt::format(" {} = ", path);
    json_writer to(out_);
    write(to);
  }

  std::string& out_;
  std::vector<level> levels_;
};

}  // namespace

std::optional<codec_error> explain(const packet& from, std::string& out) {
  explain_visitor visitor(out);
  auto error = visit(from, visitor);
  if (!out.empty() && out.back() != '\n') out += '\n';
  return error;
}

}  // namespace duplexd::protocol
