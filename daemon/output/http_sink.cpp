#include "daemon/output/http_sink.hpp"

#include <fmt/format.h>
#include <strings.h>
#include <zlib.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "config/reference/functions.hpp"
#include "daemon/output/certificate_files.hpp"
#include "daemon/output/outside_scope.hpp"
#include "daemon/output/record_text.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

using config::batch_body;
using nlohmann::ordered_json;

namespace {

/// One of the functions of references.
std::string through(std::string_view function, ordered_json input, std::vector<ordered_json> arguments = {}) {
  config::function_call call{.input = std::move(input), .arguments = std::move(arguments)};
  return config::as_text(config::find_function(function)->apply(call).value);
}

std::string compressed(const std::string& text) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  constexpr int memory = 8;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, memory, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return "";
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Whether the same request may succeed later.
bool may_be_taken_later(int status) noexcept {
  constexpr int request_timeout = 408;
  constexpr int too_early = 425;
  constexpr int too_many = 429;
  return status < 400 || status >= 500 || status == request_timeout || status == too_early ||
         status == too_many;
}

}  // namespace

http_sink::http_sink(const output_context& context, const config::output_settings& settings,
                     std::unique_ptr<record_sink> dead_letters)
    : context_(context),
      settings_(settings),
      dead_letters_(std::move(dead_letters)),
      secrets_(context.secrets) {}

bool http_sink::is_full(std::size_t count, std::size_t bytes) const noexcept {
  return count >= settings_.batch.events || bytes >= settings_.batch.size;
}

asio::awaitable<void> http_sink::pace(const record_batch& waiting, notifier& changed) {
  const auto next = began_ + settings_.batch.time;
  bool stopped = co_await cancelled();
  while (!stopped && has_begun_ && !hurries_ && !is_full(waiting.size(), waiting.bytes()) &&
         context_.time.now() < next) {
    co_await changed.wait_until(context_.time, next);
    stopped = co_await cancelled();
  }
}

/// One record at least, whatever its size.
void http_sink::begin(const record_batch& records) {
  batch_ = {.count = 1};
  std::size_t bytes = records[0].text.size();
  while (batch_.count < std::min<std::size_t>(records.size(), settings_.batch.events)) {
    bytes += records[batch_.count].text.size();
    if (bytes > settings_.batch.size) break;
    ++batch_.count;
  }
  constexpr std::size_t key_size = 16;
  if (settings_.idempotency) batch_.key = through("hex", config::as_bytes(config::random_bytes(key_size)));
}

std::string http_sink::body_of(const record_batch& records) const {
  std::string body;
  const bool is_list = settings_.body == batch_body::json;
  for (std::size_t i = 0; i < batch_.count; ++i) {
    if (!is_list) {
      body.append(without_newline(records[i].text)) += '\n';
      continue;
    }
    body += i == 0 ? '[' : ',';
    body += without_newline(records[i].text);
  }
  if (is_list) body += ']';
  return body;
}

std::variant<http_sink::prepared, std::string> http_sink::prepare() {
  secrets_.begin_attempt([](std::string_view) { return false; });
  outside_scope scope{context_.time, secrets_};
  prepared all;
  http_request& made = all.request;
  const auto url = settings_.url.resolve(&scope);
  if (!url) return "url: " + url.error;
  std::string why;
  const auto address = config::parse_http_url(url.value, why);
  if (!address) return "url: " + why;
  made.address = *address;
  if (why = resolve_certificates(settings_, scope, made); !why.empty()) return why;
  const bool has_certificates = !made.ca_file.empty() || !made.cert_file.empty() || !made.key_file.empty();
  if (!made.address.secure && has_certificates)
    return "url: http:// has no TLS that the certificates of this output are for; use https://";
  made.method = "POST";
  made.timeout = settings_.timeout;
  made.largest_answer = largest_answer;
  made.redirects.followed = false;  // it might become a GET, and what it answers would be taken for ours
  made.headers.emplace_back("Content-Type",
                            settings_.body == batch_body::json ? "application/json" : "application/x-ndjson");
  for (const auto& [name, text] : settings_.headers) {
    const auto value = text.resolve(&scope);
    if (!value) return fmt::format("headers.{}: {}", name, value.error);
    std::erase_if(made.headers, [&](const auto& each) {
      return each.first.size() == name.size() && strcasecmp(each.first.c_str(), name.c_str()) == 0;
    });
    made.headers.emplace_back(name, value.value);
  }
  if (!batch_.key.empty()) made.headers.emplace_back("Idempotency-Key", batch_.key);
  if (!settings_.sign.header.empty()) {
    auto secret = settings_.sign.secret.resolve(&scope);
    if (!secret) return "sign.secret: " + secret.error;
    all.secret = std::move(secret.value);
  }
  return all;
}

void http_sink::complete(prepared& what, const record_batch& records) const {
  http_request& made = what.request;
  made.body = body_of(records);
  if (settings_.compress == config::file_compression::gzip) {
    made.body = compressed(made.body);
    made.headers.emplace_back("Content-Encoding", "gzip");
  }
  if (settings_.sign.header.empty()) return;
  const std::string digest = through("hmac_sha256", made.body, {what.secret});
  made.headers.emplace_back(settings_.sign.header, through("hex", config::as_bytes(digest)));
}

// A large body takes its time.
asio::awaitable<void> http_sink::complete_beside(prepared& what, const record_batch& records) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch_.count; ++i) bytes += records[i].text.size();
  if (bytes <= most_on_loop) {
    complete(what, records);
    co_return;
  }
  if (!thread_) thread_.emplace(context_.loop);
  std::function<void()> work = [&] { complete(what, records); };
  co_await thread_->run(std::move(work));
}

record_sink::progress http_sink::judge(const http_response& answer) {
  progress made;
  const std::string what = fmt::format("{} answered with status {}", settings_.url.display(), answer.status);
  if (answer.status >= 200 && answer.status < 300) {
    made.written = batch_.count;
    batch_ = {};
  } else if (may_be_taken_later(answer.status)) {
    made.failed = what;
    if (answer.retry_after)
      made.not_before = std::min<std::chrono::milliseconds>(*answer.retry_after, longest_wait);
  } else {
    batch_.refused = what;
  }
  return made;
}

asio::awaitable<record_sink::progress> http_sink::send(http_request what) {
  progress made;
  auto work = context_.http.fetch(std::move(what));
  const auto result = co_await std::move(work);
  const bool given_up = co_await cancelled();
  if (given_up) co_return made;
  if (const auto* answer = std::get_if<http_response>(&result))
    made = judge(*answer);
  else
    made.failed = text_of(std::get<fault>(result));
  co_return made;
}

/// What was refused is not sent again, even if the file cannot be written now.
asio::awaitable<record_sink::progress> http_sink::bury(const record_batch& records) {
  progress made;
  made.written = batch_.count;
  if (dead_letters_ != nullptr) {
    record_batch refused;
    for (std::size_t i = 0; i < batch_.count; ++i) {
      const auto each = records[i];
      refused.add({.what = each.what, .session = each.session, .time = each.time, .name = each.name},
                  each.text);
    }
    made = co_await dead_letters_->write(refused);
  }
  refused_ += made.written;
  if (made.written > 0)
    context_.log.record("", happening::batch_refused{settings_.name, batch_.refused, made.written, refused_,
                                                     dead_letters_ != nullptr});
  batch_.count -= made.written;
  if (!made.failed.empty()) made.failed.insert(0, "dead letters: ");
  if (batch_.count == 0) batch_ = {};
  co_return made;
}

asio::awaitable<record_sink::progress> http_sink::write(const record_batch& records) {
  progress made;
  const bool stopped = co_await cancelled();
  if (stopped) co_return made;
  if (batch_.count == 0) begin(records);
  if (batch_.refused.empty()) {
    auto request = prepare();
    if (auto* failed = std::get_if<std::string>(&request)) {
      made.failed = std::move(*failed);
      co_return made;
    }
    auto& what = std::get<prepared>(request);
    co_await complete_beside(what, records);
    began_ = context_.time.now();
    has_begun_ = true;
    made = co_await send(std::move(what.request));
  }
  if (!batch_.refused.empty()) made = co_await bury(records);
  co_return made;
}

}  // namespace duplexd
