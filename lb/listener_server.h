// ListenerServer: one listener as one data thread serves it: accepts, wraps in TLS, parses.
//
// Connections are counted process-wide; at the limit this thread leaves new ones in the kernel's
// backlog and looks again ten times a second.
#pragma once

#include "net/http/h1_server.h"
#include "net/io/acceptor.h"
#include "net/io/task_group.h"
#include "net/tls/handshake_admission.h"

#include "lb/listener_handler.h"
#include "lb/serving.h"

#include <memory>

namespace sk::lb {

class ListenerServer {
 public:
  // Joins the listener's balance: before anybody accepts from it.
  ListenerServer(Serving& serving, OpenListener& listener, ThreadContext& context, Proxy& proxy);
  ~ListenerServer();
  ListenerServer(const ListenerServer&) = delete;
  ListenerServer& operator=(const ListenerServer&) = delete;

  void start_accepting();
  // Serves what waits in the backlog; nothing is accepted afterwards.
  Task<void> stop_accepting();
  void drain() { server_.drain(); }
  void abort();
  // Until every connection has ended. Does not end by itself: drain() or abort() first.
  Task<void> join();

 private:
  void adopt(int fd);
  Task<void> serve(int fd);
  Task<std::unique_ptr<Transport>> handshake(std::unique_ptr<SocketTransport> socket,
                                             const PeerName& peer);
  bool full() const;
  Task<void> wait_for_room();

  Serving& serving_;
  OpenListener& listener_;
  ThreadContext& context_;
  std::unique_ptr<ListenerHandler> handler_;
  H1ServerConfig server_config_;
  H1Server server_;
  HandshakeAdmission admission_;
  CancelScope scope_;
  TaskGroup connections_;
  TaskGroup waiting_;
  ConnectionBalance::Seat seat_;
  Acceptor acceptor_;
};

}  // namespace sk::lb
