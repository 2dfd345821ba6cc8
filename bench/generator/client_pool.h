// ClientPool: the keep-alive connections to one target, and the requests that wait for one.
//
// A request takes the connection that has been idle longest (so that all of them, and with them all
// threads of the target, get work); without an idle one another is opened, up to a bound; beyond it
// requests wait in order. Connections stay open between requests and are replaced when the target
// ends them. A request that is lost because the target had closed its idle connection meanwhile is
// sent once more, if its method allows: that race is keep-alive's, not the target's.
//
// Belongs to one loop. close() must be awaited before destruction.
#pragma once

#include "net/io/address.h"
#include "net/io/task_group.h"
#include "net/tls/client_context.h"
#include "net/tls/handshake_admission.h"

#include "bench/generator/client_connection.h"
#include "bench/generator/job.h"
#include "bench/generator/target.h"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

struct PoolConfig {
  std::size_t connections_max = 4096;                   // open or being opened at the same time
  Duration request_timeout = std::chrono::seconds(10);  // from its sending to its last byte
  Duration connect_timeout = std::chrono::seconds(5);   // handshake included
};

// What is written for a request; views need to live until send only.
struct Prepared {
  std::string_view bytes;
  Method method = Method::get;
  std::size_t keep_body_bytes = 0;
};

class ClientPool final : private ClientConnection::Owner {
 public:
  class User {
   public:
    // Called when the request is about to be sent (again).
    virtual Prepared prepare(const Job& job) = 0;
    // Once per job. answer is there if and only if the ending is `answered`; it is gone after the
    // next submit(). error says what went wrong otherwise.
    virtual void finished(const Job& job, Ending ending, const Answer* answer,
                          const Error& error) = 0;

   protected:
    ~User() = default;
  };

  // tls: null for plain http. addresses: of the target, the first is used. All outlive the pool.
  ClientPool(Loop& loop, const Target& target, Address address,
             std::shared_ptr<const TlsClientContext> tls, const PoolConfig& config);
  ~ClientPool();

  // Whom jobs are prepared and finished by; not while any is in flight.
  void serve(User& user) { user_ = &user; }

  void submit(Job job);
  // Opens connections until `count` exist; they become idle when they are there.
  void open_ahead(std::size_t count);

  [[nodiscard]] std::size_t outstanding() const { return in_flight_ + waiting_.size(); }
  [[nodiscard]] std::size_t open() const { return live_; }
  [[nodiscard]] std::size_t connecting() const { return connecting_; }
  [[nodiscard]] std::uint64_t opened() const { return opened_; }      // ever
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }  // see above
  // Why the last attempt to connect failed; `detail` is empty if none did.
  [[nodiscard]] const Error& connect_error() const { return connect_error_; }

  // Ends every connection; what is in flight is not told any more.
  [[nodiscard]] Task<void> close();

 private:
  struct Slot {
    std::unique_ptr<ClientConnection> connection;
    Job job;
  };
  struct NoConnection {
    Ending ending;
    Error error;
  };
  struct Reaper final : ReadyNode {
    explicit Reaper(ClientPool& owner)
        : ReadyNode([](ReadyNode& node) { static_cast<Reaper&>(node).pool.reap(); }), pool(owner) {}
    ClientPool& pool;
  };

  void answered(ClientConnection& connection, const Answer& answer) override;
  void broken(ClientConnection& connection, const Error& error) override;

  void open_one();
  Task<void> connect();
  Task<std::expected<std::unique_ptr<Transport>, NoConnection>> open_transport();
  void adopt(std::unique_ptr<Transport> transport);
  void send_on(ClientConnection& connection, Job job);
  void give_work(ClientConnection& connection);
  void discard(ClientConnection& connection);
  void reap();
  static Task<void> close_one(std::unique_ptr<ClientConnection> connection);

  Loop& loop_;
  const Target& target_;
  const Address address_;
  const std::shared_ptr<const TlsClientContext> tls_;
  const PoolConfig config_;
  const H1Limits limits_;
  HandshakeAdmission handshakes_;
  User* user_ = nullptr;

  std::vector<Slot> slots_;
  std::vector<std::size_t> free_slots_;
  IntrusiveList<ClientConnection, IdleTag> idle_;
  std::deque<Job> waiting_;  // bounded by whoever submits: see OpenLoop's outstanding_max
  std::vector<std::unique_ptr<ClientConnection>> doomed_;
  std::size_t live_ = 0;  // in slots_
  std::size_t connecting_ = 0;
  std::size_t in_flight_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t repeated_ = 0;
  Error connect_error_;
  bool closing_ = false;

  CancelScope scope_;
  TaskGroup tasks_;
  Reaper reaper_;
};

}  // namespace sk::bench
