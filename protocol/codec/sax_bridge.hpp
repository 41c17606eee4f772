#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/codec/value_visitor.hpp"

namespace duplexd::protocol {

/// Passes what nlohmann's CBOR and MessagePack readers find to a visitor, without a tree between them. Stops
/// at the depth ceiling, so that nesting cannot exhaust the stack.
template <class Visitor>
class sax_bridge {
 public:
  using json = nlohmann::ordered_json;

  /// With a null visitor everything is only checked.
  sax_bridge(Visitor* visitor, std::size_t depth) : visitor_(visitor), limit_(depth) {}

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

  bool null() {
    return value([](Visitor& to) { to.null(); });
  }
  bool boolean(bool v) {
    return value([=](Visitor& to) { to.boolean(v); });
  }
  bool number_integer(json::number_integer_t v) {
    return value([=](Visitor& to) { to.integer(v); });
  }
  bool number_unsigned(json::number_unsigned_t v) {
    return value([=](Visitor& to) { to.natural(v); });
  }
  bool number_float(json::number_float_t v, const std::string&) {
    return value([=](Visitor& to) { to.real(v); });
  }
  bool string(std::string& v) {
    if (find_bad_utf8(v) != v.size()) return stop("a text that is not UTF-8");
    return value([&](Visitor& to) { to.text(v); });
  }
  bool binary(json::binary_t& v) {
    return value([&](Visitor& to) { to.hex(v); });
  }
  bool start_object(std::size_t) {
    if (lists_.size() == limit_) return stop("nested too deeply");
    value([](Visitor& to) { to.begin_object(); });
    lists_.push_back(false);
    return true;
  }
  bool key(std::string& v) {
    if (find_bad_utf8(v) != v.size()) return stop("a key that is not UTF-8");
    if (visitor_ == nullptr) return true;
    name_.text = v;
    name_.key = ",";
    append_quoted(name_.key, v);
    name_.key += ':';
    visitor_->key(name_);
    return true;
  }
  bool end_object() {
    lists_.pop_back();
    if (visitor_ != nullptr) visitor_->end_object();
    return true;
  }
  bool start_array(std::size_t) {
    if (lists_.size() == limit_) return stop("nested too deeply");
    value([](Visitor& to) { to.begin_array(); });
    lists_.push_back(true);
    return true;
  }
  bool end_array() {
    lists_.pop_back();
    if (visitor_ != nullptr) visitor_->end_array();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& why) {
    offset_ = position > 0 ? position - 1 : 0;
    reason_ = why.id == 110 ? "the bytes end too early or go on after the value" : "a malformed value";
    return false;
  }

 private:
  template <class Write>
  bool value(Write write) {
    if (visitor_ == nullptr) return true;
    if (!lists_.empty() && lists_.back()) visitor_->element();
    write(*visitor_);
    return true;
  }
  bool stop(const char* why) {
    reason_ = why;
    return false;
  }

  Visitor* visitor_;
  std::size_t limit_;
  std::vector<bool> lists_;
  std::size_t offset_ = 0;
  std::string reason_ = "a malformed value";
  field_name name_;
};

}  // namespace duplexd::protocol
