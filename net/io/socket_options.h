// What every TCP socket of ours is set to.
//
// Accepted sockets inherit these from their listener on Linux, so they cost nothing per connection.
// Failures are ignored: a socket that cannot be tuned (a Unix socket, say) still works.
#pragma once

namespace sk {

// No waiting for more bytes before sending (we send once per turn ourselves), and probes that find
// a peer that vanished without a word: after 60 s of silence, every 15 s, 4 times.
void tune_stream_socket(int fd);

}  // namespace sk
