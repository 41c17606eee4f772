#include "daemon/net/tls/certificate_text.hpp"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16) return "?";
  return inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) != nullptr ? text.data()
                                                                                                : "?";
}

}  // namespace

std::string common_name(const X509_NAME* name) {
  std::array<char, 128> text{};
  const int length =
      X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), static_cast<int>(text.size()));
  if (length > 0) return "CN=" + protocol::printable({text.data(), static_cast<std::size_t>(length)}, 80);
  const std::unique_ptr<char, void (*)(char*)> whole(X509_NAME_oneline(name, nullptr, 0),
                                                     [](char* p) { OPENSSL_free(p); });
  return whole && *whole ? protocol::printable(whole.get(), 80) : "no name";
}

std::vector<std::string> certificate_names(const X509* certificate) {
  std::vector<std::string> names;
  auto* found =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type == GEN_DNS) {
      names.push_back(
          protocol::printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))},
                              80));
    } else if (name->type == GEN_IPADD) {
      names.push_back(address_text(name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(found);
  return names;
}

}  // namespace duplexd::net
