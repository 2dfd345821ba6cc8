#pragma once

#include <string_view>

namespace sk::bench {

// The messages that the micro-benchmarks take apart and put together.

// What the load generator sends.
inline constexpr std::string_view kSmallRequest =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: sidekick-bench\r\nAccept: */*\r\n\r\n";

// What a browser sends, of usual size (about 700 bytes).
inline constexpr std::string_view kBrowserRequest =
    "GET /v1/items/4711?fields=id,name HTTP/1.1\r\n"
    "Host: api.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "\r\n";

// What a worker or an upstream answers.
inline constexpr std::string_view kSmallResponse =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n"
    "{\"status\":\"ok\",\"version\":\"1.2.0\"}";

}  // namespace sk::bench
