#include "daemon/net/http/answer_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>

namespace duplexd::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using head_parser = http::response_parser<http::empty_body>;

constexpr std::size_t shown_begin = 64;
constexpr std::size_t status_line_size = 12;  ///< without the reason phrase: "HTTP/1.1 200"
constexpr std::size_t usual_line_size = 20;   ///< of a chunk: 16 digits, a little room, the end of the line

/// Whether the beginning of a status line, as much as there is of it, is one.
error_code check_status_line(std::string_view begin) {
  constexpr std::string_view pattern = "HTTP/1.# ###";
  static_assert(pattern.size() == status_line_size);
  for (std::size_t i = 0; i < std::min(begin.size(), pattern.size()); ++i) {
    const bool digit = begin[i] >= '0' && begin[i] <= '9';
    if (pattern[i] == '#' ? !digit : begin[i] != pattern[i])
      return i < 9 ? http::error::bad_version : http::error::bad_status;
  }
  return {};
}

/// Parses a whole head; the error is `need_more` if it is not whole.
error_code parse(head_parser& parser, std::string text) {
  // Beast wants the space that RFC 9112, 4 wants, too, and that some servers leave out with the reason.
  if (text.substr(std::min(text.size(), status_line_size), 1) == "\r") text.insert(status_line_size, " ");
  parser.header_limit(static_cast<std::uint32_t>(text.size() + 16));
  parser.body_limit(boost::none);
  error_code error;
  parser.put(boost::asio::buffer(text), error);
  if (!error && !parser.is_header_done()) error = http::error::need_more;
  return error;
}

std::string text_of(boost::core::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::size_t answer_reader::feed(std::string_view bytes) {
  begin_.append(bytes.substr(0, shown_begin - begin_.size()));
  const std::size_t size = bytes.size();
  while (!bytes.empty() && step_ < step::done) {
    std::size_t taken = 0;
    switch (step_) {
      case step::head:
        taken = feed_head(bytes);
        break;
      case step::sized_body:
        taken = feed_data(bytes, step::done);
        break;
      case step::endless_body:
        taken = feed_endless(bytes);
        break;
      case step::chunk_line:
        taken = feed_chunk_line(bytes);
        break;
      case step::chunk_data:
        taken = feed_data(bytes, step::chunk_end);
        break;
      case step::chunk_end:
        taken = feed_chunk_end(bytes);
        break;
      case step::trailers:
        taken = feed_trailers(bytes);
        break;
      case step::done:
      case step::failed:
        break;
    }
    bytes.remove_prefix(taken);
  }
  return size - bytes.size();
}

void answer_reader::feed_end() {
  if (step_ >= step::done) return;
  if (step_ == step::endless_body) {
    step_ = step::done;
    return;
  }
  if (step_ == step::head && !pending_.empty()) {
    head_parser parser;
    const auto error = parse(parser, pending_);
    if (error && error != http::error::need_more)
      return fail(answer_failure::reason::malformed, error.message());
  }
  fail(answer_failure::reason::incomplete, error_code(http::error::partial_message).message());
}

/// Moves bytes to `pending_` up to the end of a block of lines; fails nothing.
std::size_t answer_reader::feed_block(std::string_view bytes, std::size_t limit, bool& whole) {
  const std::size_t old = pending_.size();
  pending_.append(bytes.substr(0, limit - old));
  const std::size_t end = end_of_block(pending_, old, step_ == step::trailers);
  whole = end != std::string_view::npos;
  if (whole) pending_.resize(end);
  return pending_.size() - old;
}

std::size_t answer_reader::feed_head(std::string_view bytes) {
  bool whole = false;
  const std::size_t taken = feed_block(bytes, limits_.head, whole);
  if (const auto error = check_status_line(pending_))
    fail(answer_failure::reason::malformed, error.message());
  else if (whole)
    finish_head();
  else if (pending_.size() == limits_.head)
    fail_size("the head of ", "is", limits_.head);
  return taken;
}

void answer_reader::finish_head() {
  head_parser parser;
  if (const auto error = parse(parser, pending_)) {
    return fail(
        answer_failure::reason::malformed,
        (error == http::error::need_more ? error_code(http::error::bad_line_ending) : error).message());
  }
  const auto& parsed = parser.get();
  const unsigned status = parsed.result_int();
  if (status < 100)
    return fail(answer_failure::reason::malformed, error_code(http::error::bad_status).message());
  if (status / 100 == 1 && status != 101) {
    interim_bytes_ += pending_.size();
    pending_.clear();
    if (interim_bytes_ > limits_.interim) fail_size("the interim answers before ", "are", limits_.interim);
    return;
  }
  head_.version = parsed.version();
  head_.status = status;
  head_.reason = text_of(parsed.reason());
  for (const auto& field : parsed)
    head_.fields.emplace_back(text_of(field.name_string()), text_of(field.value()));
  std::string().swap(pending_);

  const bool bodiless = status < 200 || status == 204 || status == 304;
  const auto length = parser.content_length();
  if (bodiless || rule_ == body_rule::none) {
    step_ = step::done;
  } else if (length) {
    left_ = *length;
    step_ = left_ == 0 ? step::done : step::sized_body;
    if (left_ > limits_.body) fail_size("", "is", limits_.body);
  } else {
    step_ = parser.chunked() ? step::chunk_line : step::endless_body;
  }
}

std::size_t answer_reader::feed_data(std::string_view bytes, step next) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  body_.append(bytes.substr(0, taken));
  left_ -= taken;
  if (left_ == 0) step_ = next;
  return taken;
}

std::size_t answer_reader::feed_endless(std::string_view bytes) {
  const std::size_t taken = std::min(bytes.size(), limits_.body - body_.size());
  body_.append(bytes.substr(0, taken));
  if (taken < bytes.size()) fail_size("", "is", limits_.body);
  return taken;
}

std::size_t answer_reader::feed_chunk_line(std::string_view bytes) {
  const std::size_t old = pending_.size();
  const std::size_t end = bytes.find('\n');
  const bool whole = end != std::string_view::npos && old + end < limits_.chunk_line;
  pending_.append(bytes.substr(0, whole ? end + 1 : limits_.chunk_line - old));
  const std::size_t taken = pending_.size() - old;
  if (whole)
    finish_chunk_line();
  else if (pending_.size() == limits_.chunk_line)
    fail_size("a chunk line of ", "is", limits_.chunk_line);
  return taken;
}

void answer_reader::finish_chunk_line() {
  const auto refuse = [&](http::error why) {
    fail(answer_failure::reason::malformed, error_code(why).message());
  };
  if (!pending_.ends_with("\r\n")) return refuse(http::error::bad_line_ending);
  line_bytes_ += pending_.size() - std::min(pending_.size(), usual_line_size);
  if (line_bytes_ > limits_.chunk_lines) return fail_size("the chunk lines of ", "are", limits_.chunk_lines);
  const char* const end = pending_.data() + pending_.size() - 2;
  std::uint64_t size = 0;
  // An unsigned number has no sign, and base 16 no prefix.
  const auto [digits_end, error] = std::from_chars(pending_.data(), end, size, 16);
  if (error != std::errc()) return refuse(http::error::bad_chunk);
  error_code wrong;
  http::chunk_extensions().parse({digits_end, static_cast<std::size_t>(end - digits_end)}, wrong);
  if (wrong) return refuse(http::error::bad_chunk_extension);
  pending_.clear();
  if (size > limits_.body - body_.size()) return fail_size("", "is", limits_.body);
  left_ = size;
  step_ = size == 0 ? step::trailers : step::chunk_data;
}

/// The line break behind a chunk's data.
std::size_t answer_reader::feed_chunk_end(std::string_view bytes) {
  constexpr std::string_view line_break = "\r\n";
  if (bytes.front() != line_break[pending_.size()]) {
    fail(answer_failure::reason::malformed, error_code(http::error::bad_chunk).message());
    return 1;
  }
  pending_ += bytes.front();
  if (pending_ == line_break) {
    pending_.clear();
    step_ = step::chunk_line;
  }
  return 1;
}

std::size_t answer_reader::feed_trailers(std::string_view bytes) {
  bool whole = false;
  const std::size_t taken = feed_block(bytes, limits_.trailers, whole);
  if (whole)
    finish_trailers();
  else if (pending_.size() == limits_.trailers)
    fail_size("the trailers of ", "are", limits_.trailers);
  return taken;
}

void answer_reader::finish_trailers() {
  head_parser parser;
  const auto error = parse(parser, "HTTP/1.1 204\r\n" + pending_);
  if (error)
    fail(answer_failure::reason::malformed, error.message());
  else
    step_ = step::done;
  std::string().swap(pending_);
}

void answer_reader::fail(answer_failure::reason why, std::string text) {
  step_ = step::failed;
  std::string().swap(pending_);
  failure_ = answer_failure{.why = why, .text = std::move(text)};
}

void answer_reader::fail_size(std::string_view part, std::string_view verb, std::size_t limit) {
  std::string text(part);
  text.append("the ").append(limits_.sender).append("'s answer ").append(verb);
  fail(answer_failure::reason::too_large,
       text + " larger than the limit of " + std::to_string(limit) + " bytes");
}

}  // namespace duplexd::net
