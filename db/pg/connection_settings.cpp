#include "db/pg/connection_settings.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

namespace sk::pg {
namespace {

// 17.6 repaired non-blocking sends under TLS ("bad length").
constexpr int kOldestLibpq = 170006;

// Of addresses over all hosts; libpq tries them one after the other within one connect_timeout.
constexpr std::size_t kHostsMax = 16;

using Keywords = std::map<std::string, std::string>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

void take(const Options& from, Keywords& to) {
  for (const PQconninfoOption* option = from.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val != nullptr && *option->val != '\0') {
      to[option->keyword] = option->val;
    }
  }
}

std::string extract(Keywords& keywords, const char* name) {
  auto node = keywords.extract(name);
  return node.empty() ? std::string() : std::move(node.mapped());
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t comma = list.find(',', begin);
    parts.push_back(list.substr(begin, comma - begin));
    if (comma == std::string::npos) {
      return parts;
    }
    begin = comma + 1;
  }
}

std::unexpected<Error> refuse(const std::string& message) {
  return std::unexpected(make_error(ErrorKind::rejected, message));
}

std::string one_line(const char* text) {
  std::string line(text == nullptr ? "" : text);
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  return line;
}

// Several hosts pair with as many ports, or with one port.
Result<std::vector<Host>> make_hosts(const std::string& names, const std::string& addresses,
                                     const std::string& ports) {
  const std::vector<std::string> name_list = split(names);
  const std::vector<std::string> address_list = split(addresses);
  const std::vector<std::string> port_list = split(ports);
  const std::size_t count = addresses.empty() ? name_list.size() : address_list.size();
  if (!names.empty() && !addresses.empty() && name_list.size() != count) {
    return refuse("host and hostaddr name different numbers of hosts");
  }
  if (port_list.size() != 1 && port_list.size() != count) {
    return refuse("port lists " + std::to_string(port_list.size()) + " ports for " +
                  std::to_string(count) + " hosts");
  }
  if (count > kHostsMax) {
    return refuse("at most " + std::to_string(kHostsMax) + " hosts can be listed");
  }
  std::vector<Host> hosts;
  for (std::size_t i = 0; i < count; ++i) {
    hosts.push_back(Host{.name = names.empty() ? "" : name_list[i],
                         .address = addresses.empty() ? "" : address_list[i],
                         .port = port_list.size() == 1 ? port_list[0] : port_list[i]});
  }
  return hosts;
}

void set_default(Keywords& keywords, const char* name, const char* value) {
  keywords.emplace(name, value);
}

}  // namespace

bool Host::needs_lookup() const {
  return address.empty() && !name.empty() && name.front() != '/' && name.front() != '@';
}

bool Host::is_elsewhere() const {
  const std::string& where = address.empty() ? name : address;
  const bool is_socket = address.empty() && !needs_lookup();
  return !is_socket && where != "localhost" && where != "::1" && !where.starts_with("127.");
}

std::string ConnectionSettings::place() const {
  const Host& host = hosts.front();
  if (!host.needs_lookup() && host.address.empty()) {
    return (host.name.empty() ? std::string("the local socket") : host.name) + ", port " +
           host.port;
  }
  return (host.name.empty() ? host.address : host.name) + ":" + host.port;
}

Result<ConnectionSettings> make_settings(const Config& config) {
  if (PQlibVersion() < kOldestLibpq) {
    return refuse("libpq 17.6 or later is needed, this is " +
                  std::to_string(PQlibVersion() / 10000) + "." +
                  std::to_string(PQlibVersion() % 10000) + ": update the package libpq5");
  }
  Keywords keywords;
  take(Options(PQconndefaults()), keywords);
  Keywords given;
  if (!config.url.empty()) {
    char* message = nullptr;
    const Options parsed(PQconninfoParse(config.url.c_str(), &message));
    const std::unique_ptr<char, void (*)(void*)> own(message, PQfreemem);
    if (parsed == nullptr) {
      return refuse("the database URL is wrong: " + one_line(message));
    }
    take(parsed, given);
  }
  if (given.contains("service")) {
    return refuse("the database URL names a service: put host, port and dbname there instead");
  }
  const bool wants_session =
      given.contains("target_session_attrs") || std::getenv("PGTARGETSESSIONATTRS") != nullptr;
  for (auto& [name, value] : given) {
    keywords[name] = value;
  }

  const std::string names = extract(keywords, "host");
  const std::string addresses = extract(keywords, "hostaddr");
  std::string ports = extract(keywords, "port");
  if (ports.empty()) {
    ports = "5432";
  }
  Result<std::vector<Host>> hosts = make_hosts(names, addresses, ports);
  if (!hosts) {
    return std::unexpected(std::move(hosts.error()));
  }

  const bool chose_mode = given.contains("sslmode") || std::getenv("PGSSLMODE") != nullptr;
  if (!config.tls_ca_file.empty()) {
    set_default(keywords, "sslrootcert", config.tls_ca_file.c_str());
  }
  if (keywords.contains("sslrootcert") && !chose_mode &&
      std::ranges::any_of(*hosts, &Host::is_elsewhere)) {
    keywords["sslmode"] = "verify-full";
  }

  // A server that has become a standby takes no writes: go on to one that does.
  if (!wants_session) {
    keywords["target_session_attrs"] = "read-write";
  }
  keywords["gssencmode"] = "disable";  // saves a round trip that nobody here needs
  keywords["client_encoding"] = "UTF8";
  keywords.erase("connect_timeout");  // without effect on non-blocking connects; ours is used
  set_default(keywords, "application_name", config.application_name.c_str());
  set_default(keywords, "tcp_user_timeout", "5000");
  set_default(keywords, "keepalives_idle", "5");
  set_default(keywords, "keepalives_interval", "2");
  set_default(keywords, "keepalives_count", "3");
  if (config.statement_timeout.count() > 0) {
    std::string& options = keywords["options"];
    options += " -c statement_timeout=" + std::to_string(config.statement_timeout.count());
  }

  ConnectionSettings settings;
  settings.hosts = std::move(*hosts);
  settings.options.assign(keywords.begin(), keywords.end());
  const auto mode = keywords.find("sslmode");
  const auto bundle = keywords.find("sslrootcert");
  if (mode != keywords.end() && mode->second.starts_with("verify-") && bundle != keywords.end() &&
      bundle->second != "system") {
    settings.needed_ca_file = bundle->second;
  }
  return settings;
}

}  // namespace sk::pg
