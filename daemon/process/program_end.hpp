#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>

#include "daemon/process/child_process.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// Suspends until the program has ended. May be cancelled.
asio::awaitable<int> await_end(asio::posix::stream_descriptor& end);

/// Asks the program to end unless it is out of hand, and kills it and its group. Goes on when cancelled.
/// `unreached` says why no signal reached it.
asio::awaitable<int> bring_to_end(asio::any_io_executor loop, clock& time, child_process& child,
                                  asio::posix::stream_descriptor& end, bool ask, std::string& unreached);

/// Reads to the end and keeps the last bytes, as many as are worth telling. May be cancelled.
asio::awaitable<int> keep_last(asio::posix::stream_descriptor& pipe, std::string& text);

/// How a program failed, with the last line of what it complained of; empty: it did not.
[[nodiscard]] std::string describe_failure(int status, std::string complaints);

}  // namespace duplexd
