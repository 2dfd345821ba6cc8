#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sk::bench {

// A process whose CPU time is read by the generator itself at both edges of the measured window, so
// that connecting, handshakes and warming up are not counted. Several processes may share a name.
struct WatchedProcess {
  std::string name;
  pid_t pid = 0;
};

struct LoadOptions {
  std::string target;  // "HOST-IP:PORT" or "unix:/path"
  std::string path = "/";
  std::string host = "localhost";
  std::string body;             // what every answer must carry, byte for byte
  unsigned connections = 64;    // 1..4096
  double seconds = 2.0;         // the measured window
  double warmup_seconds = 0.3;  // traffic before it
  double rate = 0.0;            // requests per second; 0: closed loop
  bool poisson = false;         // arrivals of an open loop: exponential gaps instead of even ones
  std::uint64_t seed = 1;
  std::uint64_t requests = 0;    // stop after so many answers (no warm-up then); 0: by time
  double timeout_seconds = 5.0;  // an answer later than this is an error and costs the connection
  bool tls = false;              // TLS 1.3 only; the certificate is not verified
  std::vector<WatchedProcess> watched;
  bool quantiles_of_stdin = false;
};

// Returns false and prints one line on stderr when an option is wrong.
bool parse_options(int argc, char** argv, LoadOptions& options);

}  // namespace sk::bench
