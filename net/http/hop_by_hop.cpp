#include "net/http/hop_by_hop.h"

#include "net/http/ascii.h"

#include <cstring>

namespace sk {
namespace {

using enum HeaderId;

// Taken out of every request, nominated or not.
constexpr HeaderIdSet kRequestHop{connection,
                                  keep_alive,
                                  proxy_connection,
                                  proxy_authorization,
                                  proxy_authenticate,
                                  proxy_authentication_info,
                                  proxy,
                                  te,
                                  trailer,
                                  upgrade,
                                  http2_settings,
                                  expect,
                                  transfer_encoding,
                                  content_length,
                                  host};
constexpr HeaderIdSet kResponseHop{connection,
                                   keep_alive,
                                   proxy_connection,
                                   proxy_authorization,
                                   proxy_authenticate,
                                   proxy_authentication_info,
                                   proxy,
                                   te,
                                   trailer,
                                   upgrade,
                                   http2_settings,
                                   transfer_encoding,
                                   content_length};

// A Connection field cannot have these removed.
constexpr HeaderIdSet kNotNominable{host,
                                    content_length,
                                    transfer_encoding,
                                    content_type,
                                    content_encoding,
                                    authorization,
                                    cookie,
                                    set_cookie,
                                    date,
                                    cache_control,
                                    forwarded,
                                    x_forwarded_for,
                                    x_forwarded_proto,
                                    x_forwarded_host,
                                    x_forwarded_port,
                                    x_forwarded_prefix,
                                    x_forwarded_server,
                                    x_real_ip,
                                    x_request_id,
                                    sec_websocket_key,
                                    sec_websocket_version,
                                    sec_websocket_accept,
                                    sec_websocket_protocol,
                                    sec_websocket_extensions};

constexpr HeaderIdSet kNoTrailer{connection,
                                 content_length,
                                 transfer_encoding,
                                 host,
                                 keep_alive,
                                 te,
                                 trailer,
                                 upgrade,
                                 expect,
                                 http2_settings,
                                 proxy,
                                 proxy_connection,
                                 proxy_authorization,
                                 proxy_authenticate,
                                 content_type,
                                 content_encoding,
                                 content_range,
                                 content_location,
                                 authorization,
                                 www_authenticate,
                                 cookie,
                                 set_cookie,
                                 cache_control,
                                 pragma,
                                 expires,
                                 vary,
                                 age,
                                 date,
                                 location,
                                 retry_after,
                                 range,
                                 if_match,
                                 if_none_match,
                                 if_modified_since,
                                 if_unmodified_since,
                                 if_range,
                                 max_forwards,
                                 forwarded,
                                 x_real_ip,
                                 x_request_id,
                                 origin};

constexpr HeaderIdSet kForwardingIds{forwarded,          x_forwarded_for,  x_forwarded_proto,
                                     x_forwarded_host,   x_forwarded_port, x_forwarded_prefix,
                                     x_forwarded_server, x_real_ip};

constexpr std::string_view kForwardedPrefix = "x-forwarded-";

bool is_x_forwarded(std::string_view name) noexcept {
  return name.size() >= kForwardedPrefix.size() &&
         iequals(name.substr(0, kForwardedPrefix.size()), kForwardedPrefix);
}

bool has_underscore(const HeaderField& field) noexcept {
  const std::string_view name = field.name();
  return field.id() == unknown && std::memchr(name.data(), '_', name.size()) != nullptr;
}

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool nominates = false;  // names at least one field besides the hop-by-hop ones
};

ConnectionOptions read_connection(const Fields& fields) {
  ConnectionOptions options;
  if (!fields.has(connection)) {
    return options;
  }
  for (const HeaderField& field : fields) {
    if (field.id() != connection) {
      continue;
    }
    ListReader list(field.value());
    for (std::string_view member; list.next(member);) {
      if (iequals(member, "close")) {
        options.close = true;
      } else if (iequals(member, "keep-alive")) {
        options.keep_alive = true;
      } else if (iequals(member, "upgrade")) {
        options.upgrade = true;
      } else {
        options.nominates = options.nominates || is_token(member);
      }
    }
  }
  return options;
}

bool keeps_alive(const ConnectionOptions& options, HttpVersion version) noexcept {
  return !options.close && (version != HttpVersion::http10 || options.keep_alive);
}

bool is_nominated(const Fields& fields, const HeaderField& field) {
  if (kNotNominable.has(field.id()) || is_x_forwarded(field.name())) {
    return false;
  }
  for (const HeaderField& other : fields) {
    if (other.id() != connection) {
      continue;
    }
    ListReader list(other.value());
    for (std::string_view member; list.next(member);) {
      if (iequals(member, field.name())) {
        return true;
      }
    }
  }
  return false;
}

// Removes hop-by-hop fields, nominated ones and names with '_'. Two passes: nominations can be
// looked up while fields are being removed because the first pass keeps every Connection field.
void strip(Fields& fields, const HeaderIdSet& hop, bool nominates) {
  if (nominates) {
    fields.remove_if([&fields](const HeaderField& field) {
      return field.id() != connection && is_nominated(fields, field);
    });
  }
  fields.remove_if(
      [&hop](const HeaderField& field) { return hop.has(field.id()) || has_underscore(field); });
}

bool lists(const Fields& fields, HeaderId id, std::string_view token) {
  for (const HeaderField& field : fields) {
    if (field.id() != id) {
      continue;
    }
    ListReader list(field.value());
    for (std::string_view member; list.next(member);) {
      if (iequals(member, token)) {
        return true;
      }
    }
  }
  return false;
}

bool is_request_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64) {
    return false;
  }
  for (const char c : text) {
    if (!is_ascii_alpha(c) && !is_ascii_digit(c) && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

}  // namespace

Checked<RequestConnection> strip_hop_by_hop(RequestHead& head, const Framing& framing) {
  Fields& fields = head.fields;
  const ConnectionOptions options = read_connection(fields);
  RequestConnection result;
  result.keep_alive = keeps_alive(options, head.version);
  if (fields.has(expect)) {
    if (fields.count(expect) > 1 || !iequals(fields.get(expect), "100-continue")) {
      return reject(417, "expect_not_100_continue");
    }
    result.expect_continue = head.version == HttpVersion::http11 && !framing.empty();
  }
  result.accepts_trailers = fields.has(te) && lists(fields, te, "trailers");
  head.websocket = options.upgrade && head.version == HttpVersion::http11 &&
                   head.method == Method::get && framing.empty() && fields.count(upgrade) == 1 &&
                   iequals(fields.get(upgrade), "websocket") && fields.has(sec_websocket_key);
  strip(fields, kRequestHop, options.nominates);
  return result;
}

ResponseConnection strip_hop_by_hop(ResponseHead& head) {
  Fields& fields = head.fields;
  const ConnectionOptions options = read_connection(fields);
  ResponseConnection result;
  result.keep_alive = keeps_alive(options, head.version);
  result.websocket =
      options.upgrade && fields.count(upgrade) == 1 && iequals(fields.get(upgrade), "websocket");
  strip(fields, kResponseHop, options.nominates);
  return result;
}

bool is_trailer_allowed(HeaderId id, std::string_view name) noexcept {
  if (id != unknown) {
    return !kNoTrailer.has(id) && !is_x_forwarded(name);
  }
  return !is_x_forwarded(name) && name.find('_') == std::string_view::npos;
}

void apply_forwarding(RequestHead& head, const ForwardingPeer& peer) {
  Fields& fields = head.fields;
  if (!peer.trusted) {
    fields.remove_if([](const HeaderField& field) {
      return kForwardingIds.has(field.id()) ||
             (field.id() == unknown && is_x_forwarded(field.name())) ||
             (field.id() == x_request_id && !is_request_id(field.value()));
    });
  }
  if (fields.has(x_forwarded_for)) {
    // One list in one field: what a trusted peer sent, in order, and then that peer.
    std::size_t size = peer.address.size();
    for (const HeaderField& field : fields) {
      size += field.id() == x_forwarded_for ? field.value().size() + 2 : 0;
    }
    char* joined = fields.arena().allocate(size);
    if (joined == nullptr) {
      fields.add(x_forwarded_for, peer.address);
    } else {
      char* to = joined;
      for (const HeaderField& field : fields) {
        if (field.id() == x_forwarded_for && !field.value().empty()) {
          to = static_cast<char*>(std::memcpy(to, field.value().data(), field.value().size())) +
               field.value().size();
          to = static_cast<char*>(std::memcpy(to, ", ", 2)) + 2;
        }
      }
      if (!peer.address.empty()) {
        std::memcpy(to, peer.address.data(), peer.address.size());
      }
      to += peer.address.size();
      fields.remove(x_forwarded_for);
      fields.add_view(x_forwarded_for, {joined, static_cast<std::size_t>(to - joined)});
    }
  } else {
    fields.add(x_forwarded_for, peer.address);
  }
  if (!fields.has(x_forwarded_proto)) {
    fields.add_view(x_forwarded_proto, head.scheme == Scheme::https ? "https" : "http");
  }
  if (!fields.has(x_forwarded_host) && !head.authority.empty()) {
    fields.add_view(x_forwarded_host, head.authority);
  }
}

}  // namespace sk
