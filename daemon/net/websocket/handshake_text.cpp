#include "daemon/net/websocket/handshake_text.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/websocket/error.hpp>
#include <span>
#include <utility>
#include <vector>

#include "daemon/net/http/header_check.hpp"
#include "daemon/net/websocket/permessage_deflate.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

std::string base64(std::span<const unsigned char> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

bool has_token(const std::string& list, const char* token) {
  return http::token_list{list}.exists(token);
}

/// RFC 6455, 4.1: the server may only agree to what was offered.
std::optional<std::string> subprotocol_mistake(const answer_head& answer, const handshake_request& request) {
  const auto chosen = answer.list("Sec-WebSocket-Protocol");
  const auto& offered = request.subprotocols;
  if (!chosen && request.subprotocol_required)
    return "the server chose none of the subprotocols that were offered (" + joined(offered) +
           "), and one is required";
  if (!chosen || std::find(offered.begin(), offered.end(), *chosen) != offered.end()) return std::nullopt;
  return "the server chose the subprotocol '" + protocol::printable(*chosen, 100) +
         "', which was not offered";
}

}  // namespace

std::string make_websocket_key() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  return base64(bytes);
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return {};
  return base64(std::span(digest).first(size));
}

std::string handshake_text(const handshake_request& request, const std::string& key) {
  // Their order and case are those of Python's websockets, which servers are used to.
  std::vector<std::pair<std::string, std::string>> headers = {{"Host", request.host}};
  const bool has_origin = std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
    return is_same_header(header.first, "Origin");
  });
  if (has_origin) headers.emplace_back("Origin", "");
  headers.insert(headers.end(), {{"Upgrade", "websocket"},
                                 {"Connection", "Upgrade"},
                                 {"Sec-WebSocket-Key", key},
                                 {"Sec-WebSocket-Version", "13"}});
  if (request.deflate) headers.emplace_back("Sec-WebSocket-Extensions", deflate_offer(*request.deflate));
  if (!request.subprotocols.empty())
    headers.emplace_back("Sec-WebSocket-Protocol", joined(request.subprotocols));
  for (const auto& [name, value] : request.headers) {
    const auto same = std::find_if(headers.begin(), headers.end(), [&wanted = name](const auto& header) {
      return is_same_header(header.first, wanted);
    });
    if (same != headers.end())
      *same = {name, value};
    else
      headers.emplace_back(name, value);
  }
  if (std::none_of(headers.begin(), headers.end(),
                   [](const auto& header) { return is_same_header(header.first, "User-Agent"); }))
    headers.emplace_back("User-Agent", "duplexd");
  std::string text = "GET " + request.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  return text.append("\r\n");
}

std::string acceptance_text(std::string_view key, const std::string& subprotocol) {
  std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_of(key) + "\r\nServer: duplexd simulate\r\n";
  if (!subprotocol.empty()) text += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n";
  return text + "\r\n";
}

std::string refusal_text(const handshake_answer& answer) {
  const auto reason = http::obsolete_reason(http::int_to_status(answer.status));
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  text.append(reason.data(), reason.size());
  if (answer.status == 426) text += "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";  // RFC 6455, 4.4
  text += "\r\nConnection: close\r\nContent-Type: ";
  text += answer.json ? "application/json" : "text/plain";
  text += "\r\nContent-Length: " + std::to_string(answer.body.size() + 1);
  return text + "\r\n\r\n" + answer.body + '\n';
}

std::optional<std::string> handshake_mistake(const answer_head& answer, const handshake_request& request,
                                             const std::string& key) {
  const auto told = [](websocket::error why) { return error_code(why).message(); };
  if (answer.version != 11) return told(websocket::error::bad_http_version);
  const auto connection = answer.list("Connection");
  if (!connection) return told(websocket::error::no_connection);
  if (!has_token(*connection, "upgrade")) return told(websocket::error::no_connection_upgrade);
  const auto upgrade = answer.list("Upgrade");
  if (!upgrade) return told(websocket::error::no_upgrade);
  if (!has_token(*upgrade, "websocket")) return told(websocket::error::no_upgrade_websocket);
  const auto accept = answer.list("Sec-WebSocket-Accept");
  if (!accept) return told(websocket::error::no_sec_accept);
  if (*accept != accept_of(key)) return told(websocket::error::bad_sec_accept);
  return subprotocol_mistake(answer, request);
}

}  // namespace duplexd::net
