#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd::protocol {

/// Takes what unpacking finds, in the order of the wire. Texts are UTF-8; views live during the call only.
class value_visitor {
 public:
  virtual ~value_visitor() = default;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void key(const field_name& name) = 0;  ///< names the next value
  virtual void element() = 0;                    ///< the next value is an array's element
  virtual void integer(std::int64_t value) = 0;
  virtual void natural(std::uint64_t value) = 0;
  virtual void decimal(int128 mantissa, unsigned places) = 0;  ///< mantissa / 10^places, exactly
  virtual void real(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void null() = 0;
  virtual void text(std::string_view value) = 0;
  virtual void hex(bytes_view value) = 0;
  virtual void base64(bytes_view value) = 0;
  virtual void json(std::string_view checked) = 0;  ///< a JSON value without white space

  /// Bytes [begin, end) of `data` belong to the field; comes before its value, for hidden fields too.
  virtual void place(bytes_view data, std::size_t begin, std::size_t end, const instruction& field) {
    (void)data, (void)begin, (void)end, (void)field;
  }
  static constexpr bool wants_places = true;
  static constexpr bool measures = false;
};

/// Passes a value on, part by part.
void visit_json(const nlohmann::ordered_json& value, value_visitor& to);

/// Writes JSON text straight away. Not virtual: the hot path.
class json_writer {
 public:
  explicit json_writer(std::string& out) : out_(out) {}
  void begin_object() { out_ += '{'; }
  void end_object() { out_ += '}'; }
  void begin_array() { out_ += '['; }
  void end_array() { out_ += ']'; }
  void key(const field_name& name) {
    const std::size_t skip = out_.back() == '{' ? 1 : 0;  // the first key has no comma
    out_.append(name.key.data() + skip, name.key.size() - skip);
  }
  void element() {
    if (out_.back() != '[') out_ += ',';
  }
  void integer(std::int64_t value) { append_integer(out_, value); }
  void natural(std::uint64_t value) { append_natural(out_, value); }
  void decimal(int128 mantissa, unsigned places) { append_decimal(out_, mantissa, places); }
  void real(double value) { append_real(out_, value); }
  void boolean(bool value) { out_ += value ? "true" : "false"; }
  void null() { out_ += "null"; }
  void text(std::string_view value) { append_quoted(out_, value); }
  void hex(bytes_view value) {
    out_ += '"';
    append_hex(out_, value);
    out_ += '"';
  }
  void base64(bytes_view value) {
    out_ += '"';
    append_base64(out_, value);
    out_ += '"';
  }
  void json(std::string_view checked) { out_ += checked; }
  std::optional<json_fault> copy(std::string_view json, std::size_t depth) {
    return copy_json(json, out_, depth);
  }
  void place(bytes_view, std::size_t, std::size_t, const instruction&) {}
  static constexpr bool wants_places = false;
  static constexpr bool measures = false;

 private:
  std::string& out_;
};

/// Takes nothing: unpacking only to see whether a packet fits.
class null_visitor {
 public:
  void begin_object() {}
  void end_object() {}
  void begin_array() {}
  void end_array() {}
  void key(const field_name&) {}
  void element() {}
  void integer(std::int64_t) {}
  void natural(std::uint64_t) {}
  void decimal(int128, unsigned) {}
  void real(double) {}
  void boolean(bool) {}
  void null() {}
  void text(std::string_view) {}
  void hex(bytes_view) {}
  void base64(bytes_view) {}
  void json(std::string_view) {}
  void place(bytes_view, std::size_t, std::size_t, const instruction&) {}
  static constexpr bool wants_places = false;
  static constexpr bool measures = false;
};

/// Takes nothing either: looks for the packet's end alone, and leaves out what texts hold.
class measuring_visitor : public null_visitor {
 public:
  static constexpr bool measures = true;
};

/// Builds a JSON value.
class json_builder final : public value_visitor {
 public:
  explicit json_builder(nlohmann::ordered_json& root) : root_(root) {}
  void begin_object() override { stack_.push_back(&put(nlohmann::ordered_json::object())); }
  void end_object() override { stack_.pop_back(); }
  void begin_array() override { stack_.push_back(&put(nlohmann::ordered_json::array())); }
  void end_array() override { stack_.pop_back(); }
  void key(const field_name& name) override { key_ = name.text; }
  void element() override {}
  void integer(std::int64_t value) override { put(value); }
  void natural(std::uint64_t value) override { put(value); }
  void decimal(int128 mantissa, unsigned places) override;
  void real(double value) override;
  void boolean(bool value) override { put(value); }
  void null() override { put(nullptr); }
  void text(std::string_view value) override { put(std::string(value)); }
  void hex(bytes_view value) override;
  void base64(bytes_view value) override;
  void json(std::string_view checked) override { put(json_tree(checked)); }

 private:
  nlohmann::ordered_json& put(nlohmann::ordered_json value);

  nlohmann::ordered_json& root_;
  std::vector<nlohmann::ordered_json*> stack_;
  std::string key_;
};

/// Keeps only the named top-level fields of a packet, as JSON text each. Nothing is built for the others.
class pick_visitor final : public value_visitor {
 public:
  /// `names` must outlive the visitor; `values()` has one entry for each, empty if the packet has no such
  /// field.
  explicit pick_visitor(const std::vector<std::string>& names) : names_(names), values_(names.size()) {}
  [[nodiscard]] const std::vector<std::string>& values() const noexcept { return values_; }

  void begin_object() override {
    open([](json_writer& to) { to.begin_object(); });
  }
  void end_object() override {
    close([](json_writer& to) { to.end_object(); });
  }
  void begin_array() override {
    open([](json_writer& to) { to.begin_array(); });
  }
  void end_array() override {
    close([](json_writer& to) { to.end_array(); });
  }
  void key(const field_name& name) override;
  void element() override {
    value([](json_writer& to) { to.element(); });
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

 private:
  template <class Write>
  void value(Write write) {
    if (current_ < 0) return;
    json_writer to(values_[static_cast<std::size_t>(current_)]);
    write(to);
  }
  template <class Write>
  void open(Write write) {
    if (++depth_ > 1) value(write);
  }
  template <class Write>
  void close(Write write) {
    if (depth_-- > 1) value(write);
  }

  const std::vector<std::string>& names_;
  std::vector<std::string> values_;
  std::ptrdiff_t current_ = -1;
  std::size_t depth_ = 0;
};

}  // namespace duplexd::protocol
