#include "daemon/net/http/request_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace duplexd::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using head_parser = http::request_parser<http::empty_body>;

std::string text_of(boost::core::string_view text) {
  return {text.data(), text.size()};
}

/// A client that sends something else than HTTP (a TLS handshake, an endless line) is refused at its first
/// bytes: a method is a token.
bool begins_like_request(std::string_view begin) {
  return begin.empty() || (begin.front() >= 'A' && begin.front() <= 'Z') ||
         (begin.front() >= 'a' && begin.front() <= 'z');
}

}  // namespace

void request_reader::fail(unsigned status, std::string text) {
  step_ = step::failed;
  failure_ = {status, std::move(text)};
}

std::size_t request_reader::feed(std::string_view bytes) {
  std::size_t taken = 0;
  if (step_ == step::head) taken = feed_head(bytes);
  if (step_ != step::body) return taken;
  const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - taken));
  body_.append(bytes.substr(taken, more));
  left_ -= more;
  if (left_ == 0) step_ = step::done;
  return taken + more;
}

std::size_t request_reader::feed_head(std::string_view bytes) {
  const std::size_t old = pending_.size();
  pending_.append(bytes.substr(0, limits_.head - old));
  const std::size_t end = end_of_block(pending_, old, false);
  if (end != std::string_view::npos) pending_.resize(end);
  const std::size_t taken = pending_.size() - old;
  if (!begins_like_request(pending_))
    fail(400, "the request is not HTTP");
  else if (end != std::string_view::npos)
    finish_head();
  else if (pending_.size() == limits_.head)
    fail(431, fmt::format("the head of the request is larger than the limit of {} bytes", limits_.head));
  return taken;
}

void request_reader::finish_head() {
  head_parser parser;
  parser.header_limit(static_cast<std::uint32_t>(pending_.size() + 16));
  parser.body_limit(boost::none);
  error_code error;
  parser.put(boost::asio::buffer(pending_), error);
  if (error || !parser.is_header_done())
    return fail(400,
                (error && error != http::error::need_more ? error : error_code(http::error::bad_line_ending))
                    .message());
  const auto& parsed = parser.get();
  head_.method = text_of(parsed.method_string());
  head_.target = text_of(parsed.target());
  head_.version = parsed.version();
  for (const auto& field : parsed)
    head_.fields.emplace_back(text_of(field.name_string()), text_of(field.value()));
  std::string().swap(pending_);
  step_ = step::done;
  if (rule_ == body_rule::none) return;
  if (head_.first("Transfer-Encoding") != nullptr) return fail(411, "a body needs a Content-Length");
  left_ = parser.content_length().value_or(0);
  if (left_ > limits_.body)
    return fail(413, fmt::format("the body is larger than the limit of {} bytes", limits_.body));
  if (left_ > 0) step_ = step::body;
}

}  // namespace duplexd::net
