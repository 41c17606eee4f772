#include "daemon/output/descriptor_writer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

descriptor_writer::descriptor_writer(const asio::any_io_executor& loop, int inherited)
    : inherited_(inherited), descriptor_(loop) {
  boost::system::error_code ignored;  // a bad descriptor shows at the first write
  if (inherited_.handle() >= 0) ignored = descriptor_.assign(inherited_.handle(), ignored);
}

descriptor_writer::~descriptor_writer() {
  if (descriptor_.is_open()) descriptor_.release();
}

asio::awaitable<bool> descriptor_writer::wait_writable() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  if (inherited_.is_file()) {
    asio::steady_timer timer{descriptor_.get_executor(), retry};
    const auto [cut] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !cut;
  }
  const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                                                       asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

asio::awaitable<bool> descriptor_writer::wait_reader_gone() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  if (!inherited_.is_pipe()) {
    notifier never{descriptor_.get_executor()};
    co_return co_await never.wait();
  }
  const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_error,
                                                       asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

}  // namespace duplexd
