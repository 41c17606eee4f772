#include "daemon/simulate/simulator.hpp"

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/happy_eyeballs.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "daemon/net/tls/tls_context.hpp"
#include "daemon/net/tls/tls_engine.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"
#include "daemon/simulate/simulated_link.hpp"
#include "daemon/simulate/simulated_ports.hpp"
#include "daemon/simulate/simulated_session.hpp"
#include "daemon/simulate/simulated_trust.hpp"

namespace duplexd::net {
namespace {

using boost::system::error_code;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, loop_executor>;

constexpr std::chrono::seconds handshake_limit{10};
constexpr std::chrono::seconds stop_limit{2};
constexpr std::chrono::milliseconds pause_after_accept_error{100};

/// One listening socket.
struct door {
  tcp_acceptor acceptor;
  loop_timer pause;
};

/// A port, and how it is listened on.
struct listener {
  simulated_port what;
  std::deque<door> doors{};
  tls_context tls{};
};

/// A page of an `http` step; nothing if this is none.
std::optional<handshake_answer> page_for(const handshake_offer& offer,
                                         const std::vector<simulated_page>& pages) {
  if (offer.upgrade) return std::nullopt;
  for (const simulated_page& each : pages) {
    if (!is_path(path_of(offer.target), path_of(each.address.target))) continue;
    handshake_answer answer;
    answer.status = 200;
    answer.body = each.body;
    answer.json = true;
    return answer;
  }
  return std::nullopt;
}

handshake_answer answer_to(const handshake_offer& offer,
                           const std::vector<const simulated_session*>& candidates) {
  handshake_answer answer;
  if (candidates.empty()) {
    answer.status = 404;
    answer.body = "No session of the configuration has this path.";
    return answer;
  }
  answer.message_limit = 0;
  for (const auto* each : candidates) {
    const auto& settings = each->settings();
    answer.message_limit = std::max(answer.message_limit, settings.limits.message);
    for (const auto& name : offer.subprotocols) {
      const auto& known = settings.subprotocols.names;
      const bool has = std::find(known.begin(), known.end(), name) != known.end();
      if (has && answer.subprotocol.empty()) answer.subprotocol = name;
    }
  }
  return answer;
}

}  // namespace

struct simulator::state : std::enable_shared_from_this<simulator::state> {
  struct connection {
    asio::cancellation_signal cut;
    std::weak_ptr<simulated_link> link;
  };
  using connection_place = std::list<connection>::iterator;

  state(asio::io_context& l, const config::settings& s, simulator_options o)
      : loop(l), settings(s), options(std::move(o)), stop_clock(l.get_executor()) {}

  std::optional<std::string> plan();
  std::optional<std::string> prepare_tls();
  std::optional<std::string> listen(listener& on);
  std::optional<std::string> open(listener& on, const asio::ip::address& address);
  void announce(const listener& on) const;
  void accept_next(listener& on, door& at);
  void begin(listener& on, tcp_socket socket);
  asio::awaitable<void> serve(const listener& on, std::shared_ptr<tcp_connection> client,
                              connection_place here);
  asio::awaitable<void> replay(const replay_options& how, const simulated_session& session,
                               std::shared_ptr<tcp_connection> client, std::unique_ptr<transport> link);
  void note_exception(const std::exception_ptr& thrown) const;
  void stop();

  asio::io_context& loop;
  const config::settings& settings;
  simulator_options options;
  std::deque<listener> listeners;
  std::vector<std::string> hosts;  ///< that the certificate names
  std::string ca_file;
  std::list<connection> connections;
  loop_timer stop_clock;
  bool stopping = false;
  bool replaying = false;  ///< the replay has its client
};

simulator::simulator(asio::io_context& loop, const config::settings& settings, simulator_options options)
    : state_(std::make_shared<state>(loop, settings, std::move(options))) {}

simulator::~simulator() = default;

std::optional<std::string> simulator::start() {
  if (auto error = state_->plan()) return error;
  for (auto& each : state_->listeners) {
    if (auto error = state_->listen(each)) return error;
  }
  // Behind that: certificates of another simulator that listens here stay as they are.
  if (auto error = state_->prepare_tls()) return error;
  for (const auto& each : state_->listeners) state_->announce(each);
  return std::nullopt;
}

void simulator::stop() {
  state_->stop();
}

bool simulator::stopped() const noexcept {
  return state_->stopping && state_->connections.empty();
}

std::optional<std::string> simulator::state::plan() {
  simulated_ports planned(options.port);
  for (const auto& session : settings.sessions) {
    if (options.replay && session.name != options.replay->session) continue;
    if (auto error = planned.add(session)) return "session " + session.name + ": " + *error;
  }
  if (planned.ports().empty() && options.replay)
    return "the configuration has no session " + options.replay->session;
  hosts = planned.hosts();
  if (!options.listen_address.empty()) hosts.push_back(options.listen_address);
  for (const simulated_port& each : planned.ports()) listeners.push_back({each});
  return std::nullopt;
}

std::optional<std::string> simulator::state::prepare_tls() {
  if (std::none_of(listeners.begin(), listeners.end(), [](const auto& each) { return each.what.secure; })) {
    return std::nullopt;
  }
  simulated_trust trust;
  trust.certificate_file = options.certificate_file;
  trust.key_file = options.key_file;
  if (options.certificate_file.empty()) trust = make_simulated_trust(options.state_directory, hosts);
  if (!trust.error.empty()) return trust.error;
  ca_file = trust.ca_file;
  const auto made = make_server_tls(trust.certificate_file, trust.key_file);
  if (!made.context) return made.error;
  for (auto& each : listeners) {
    if (each.what.secure) each.tls = made.context;
  }
  return std::nullopt;
}

std::optional<std::string> simulator::state::listen(listener& on) {
  error_code not_address;
  if (!options.listen_address.empty()) {
    const auto address = asio::ip::make_address(options.listen_address, not_address);
    if (not_address) return "--listen " + options.listen_address + " is not an address";
    return open(on, address);
  }
  if (auto error = open(on, asio::ip::address_v4::loopback())) return error;
  // A machine without IPv6 is served too.
  if (const auto error = open(on, asio::ip::address_v6::loopback())) options.log(*error);
  return std::nullopt;
}

std::optional<std::string> simulator::state::open(listener& on, const asio::ip::address& address) {
  const asio::ip::tcp::endpoint endpoint(address, on.what.port);
  tcp_acceptor acceptor(loop.get_executor());
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) close_on_exec(acceptor.native_handle());
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return "cannot listen on " + endpoint_text(endpoint) + ": " + error.message() +
           " (--port gives another port)";
  }
  on.what.port = acceptor.local_endpoint().port();
  accept_next(on, on.doors.emplace_back(door{std::move(acceptor), loop_timer(loop.get_executor())}));
  return std::nullopt;
}

void simulator::state::announce(const listener& on) const {
  config::url address;
  address.secure = on.what.secure;
  address.port = on.what.port;
  const auto& given = options.listen_address;
  const bool any = given.empty() || given == "0.0.0.0" || given == "::";
  const std::string host = any                                    ? "localhost"
                           : given.find(':') != std::string::npos ? "[" + given + "]"
                                                                  : given;
  std::string line = std::string(on.what.secure ? "wss" : "ws") + "://" + host + ":" +
                     std::to_string(on.what.port) +
                     std::string(on.what.places.empty() ? path_of(on.what.pages.front().address.target)
                                                        : on.what.places.front().path);
  if (on.what.secure && !ca_file.empty()) line += " ca=" + ca_file;
  options.ready(line);
}

void simulator::state::accept_next(listener& on, door& at) {
  at.acceptor.async_accept([self = shared_from_this(), &on, &at](const error_code& error, tcp_socket socket) {
    if (self->stopping) return;
    if (!error) {
      self->begin(on, std::move(socket));
      return self->accept_next(on, at);
    }
    self->options.log("cannot accept: " + error.message());
    at.pause.expires_after(pause_after_accept_error);
    at.pause.async_wait([self, &on, &at](const error_code&) {
      if (!self->stopping) self->accept_next(on, at);
    });
  });
}

void simulator::state::begin(listener& on, tcp_socket socket) {
  const auto here = connections.emplace(connections.end());
  auto client = std::make_shared<tcp_connection>(std::move(socket));
  auto served = serve(on, std::move(client), here);
  auto at_end = [self = shared_from_this(), here](const std::exception_ptr& thrown) {
    self->note_exception(thrown);
    // Not yet: the coroutine that ends here still refers to the signal.
    asio::post(self->loop, [self, here] {
      self->connections.erase(here);
      if (self->stopping && self->connections.empty()) self->stop_clock.cancel();
    });
  };
  asio::co_spawn(loop, std::move(served), asio::bind_cancellation_slot(here->cut.slot(), std::move(at_end)));
}

void simulator::state::note_exception(const std::exception_ptr& thrown) const {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted)
      options.log(std::string("internal error: ") + error.what());
  } catch (const std::exception& error) {
    options.log(std::string("internal error: ") + error.what());
  }
}

asio::awaitable<void> simulator::state::serve(const listener& on, std::shared_ptr<tcp_connection> client,
                                              connection_place here) {
  const auto self = shared_from_this();
  if (on.tls) {
    const deadline guard(client, handshake_limit);
    auto engine = std::make_unique<tls_engine>(on.tls);
    const bool done = co_await client->start_tls(std::move(engine));
    if (!done) {
      options.log("a client failed in TLS: " + client->end_cause().value_or("cancelled"));
      co_return;
    }
  }
  std::vector<const simulated_session*> candidates;
  bool mine = false;      // the replay's client
  std::string asked_for;  // a page
  handshake_decision decide = [&](const handshake_offer& offer) {
    if (auto page = page_for(offer, on.what.pages)) {
      asked_for = path_of(offer.target);
      return std::move(*page);
    }
    if (!offer.upgrade) return handshake_answer{};
    candidates = on.what.at(offer.target);
    auto answer = answer_to(offer, candidates);
    if (answer.status != 101 || !options.replay) return answer;
    if (replaying) {
      answer.status = 503;
      answer.body = "The replay has its client.";
    } else {
      replaying = mine = true;
    }
    return answer;
  };
  auto opened = co_await handshake_as_server(client, std::move(decide), handshake_limit);
  if (const auto* failed = std::get_if<fault>(&opened)) {
    options.log(asked_for.empty() ? "a client failed: " + failed->cause
                                  : "answered a request for " + asked_for);
    if (mine) replaying = false;
    co_return;
  }
  auto open_link = std::get<std::unique_ptr<transport>>(std::move(opened));
  if (options.replay) {
    options.log("client connected, the replay begins");
    co_await replay(*options.replay, *candidates.front(), std::move(client), std::move(open_link));
    co_return;
  }
  const auto link = std::make_shared<simulated_link>(std::move(open_link), std::move(candidates), options.log,
                                                     loop.get_executor());
  here->link = link;
  options.log("client connected");
  co_await link->serve();
}

asio::awaitable<void> simulator::state::replay(const replay_options& how, const simulated_session& session,
                                               std::shared_ptr<tcp_connection> client,
                                               std::unique_ptr<transport> link) {
  std::function<void()> cut = [client] { client->abort(); };
  const auto played = std::make_shared<replayed_link>(std::move(link), session, how.link, how.speed,
                                                      std::move(cut), loop.get_executor());
  co_await played->serve();
  how.done(played->report());
}

void simulator::state::stop() {
  if (stopping) return;
  stopping = true;
  for (auto& each : listeners) {
    error_code ignored;
    for (auto& each_door : each.doors) {
      each_door.acceptor.close(ignored);
      each_door.pause.cancel();
    }
  }
  if (connections.empty()) return;
  const auto cut_all = [](std::list<connection>& all, bool only_without_link) {
    // A cut connection leaves the list only in a later turn of the loop.
    for (auto& each : all) {
      if (!only_without_link || each.link.expired()) each.cut.emit(asio::cancellation_type::terminal);
    }
  };
  cut_all(connections, true);
  for (auto& each : connections) {
    if (const auto link = each.link.lock()) link->close(1001, "the simulator stops");
  }
  stop_clock.expires_after(stop_limit);
  stop_clock.async_wait([self = shared_from_this(), cut_all](const error_code& error) {
    if (!error) cut_all(self->connections, false);
  });
}

}  // namespace duplexd::net
