#include "daemon/module/postgres/postgres_connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace duplexd {

namespace {

// libpq's messages may have several lines.
std::string one_line(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '\n' || c == '\t') {
      if (!made.empty() && made.back() != ' ') made += ' ';
    } else {
      made += c;
    }
  }
  while (made.ends_with(' ')) made.pop_back();
  return made;
}

}  // namespace

std::string postgres_connection::error() const {
  std::string text = one_line(PQerrorMessage(link_.get()));
  return text.empty() ? "unknown error" : text;
}

std::string postgres_connection::wait(short events, deadline until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fmt::format("no answer within {} ms", limit_.count());
    pollfd socket{PQsocket(link_.get()), events, 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(left.count()));
    if (ready > 0) return "";
    if (ready < 0 && errno != EINTR) return std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  }
}

std::string postgres_connection::open(const std::string& url) {
  const deadline until = std::chrono::steady_clock::now() + limit_;
  const std::array keywords{"fallback_application_name", "dbname", "client_encoding",
                            static_cast<const char*>(nullptr)};
  const std::array values{"duplexd", url.c_str(), "UTF8", static_cast<const char*>(nullptr)};
  link_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (link_ == nullptr) return "out of memory";
  PQsetNoticeProcessor(link_.get(), [](void*, const char*) {}, nullptr);
  std::string why;
  if (PQstatus(link_.get()) == CONNECTION_BAD) why = error();
  for (auto next = PGRES_POLLING_WRITING; why.empty() && next != PGRES_POLLING_OK;) {
    if (next == PGRES_POLLING_FAILED)
      why = error();
    else
      why = wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until);
    if (why.empty()) next = PQconnectPoll(link_.get());
  }
  if (why.empty() && PQsetnonblocking(link_.get(), 1) != 0) why = error();
  if (!why.empty()) close();
  return why;
}

std::string postgres_connection::collect(answer& into, deadline until) {
  for (int left = PQflush(link_.get()); left != 0; left = PQflush(link_.get())) {
    if (left < 0) return error();
    if (std::string why = wait(POLLIN | POLLOUT, until); !why.empty()) return why;
    if (PQconsumeInput(link_.get()) == 0) return error();
  }
  while (true) {
    while (PQisBusy(link_.get()) != 0) {
      if (std::string why = wait(POLLIN, until); !why.empty()) return why;
      if (PQconsumeInput(link_.get()) == 0) return error();
    }
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQgetResult(link_.get()), &PQclear};
    if (result == nullptr) return "";
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      into.rows.assign(static_cast<std::size_t>(PQntuples(result.get())), {});
      for (std::size_t row = 0; row < into.rows.size(); ++row)
        for (int column = 0; column < PQnfields(result.get()); ++column)
          into.rows[row].emplace_back(PQgetvalue(result.get(), static_cast<int>(row), column));
      continue;
    }
    into.error = one_line(PQresultErrorMessage(result.get()));
    if (into.error.empty()) into.error = PQresStatus(status);
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    into.state = state == nullptr ? "" : state;
    // What is COPY or the like is nothing that we ask for: the connection would never end it.
    if (status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE) return into.error;
  }
}

postgres_connection::answer postgres_connection::run(const std::string& sql,
                                                     const std::vector<std::string>& parameters) {
  const deadline until = std::chrono::steady_clock::now() + limit_;
  answer made;
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& each : parameters) values.push_back(each.c_str());
  const int sent = parameters.empty()
                       ? PQsendQuery(link_.get(), sql.c_str())
                       : PQsendQueryParams(link_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                           values.data(), nullptr, nullptr, 0);
  std::string why = sent == 1 ? collect(made, until) : error();
  if (why.empty() && PQstatus(link_.get()) == CONNECTION_BAD) why = made.error.empty() ? error() : made.error;
  if (!why.empty()) {  // nobody knows what was done
    made = {.error = std::move(why)};
    close();
  }
  return made;
}

}  // namespace duplexd
