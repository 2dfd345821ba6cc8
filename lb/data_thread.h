// DataThread: one loop that accepts, parses, proxies and answers.
//
// start() returns when its loop runs. All other functions may be called from any thread: they post
// to the loop. The order of an orderly end is stop_accepting(), drain(), finish(); abort() may come
// between. Each calls back on the data thread when it is done.
#pragma once

#include "net/link/page.h"

#include "lb/serving.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>

namespace sk::lb {

class DataThread {
 public:
  using Done = std::move_only_function<void()>;

  DataThread(Serving& serving, std::uint32_t index, IoBackend backend);
  ~DataThread();
  DataThread(const DataThread&) = delete;
  DataThread& operator=(const DataThread&) = delete;

  // Error: why the thread has no loop (no descriptors, no memory).
  Result<void> start();

  void start_accepting();
  // Our end of a link to a process in the worker's place, and the end of that process.
  void attach_link(WorkerPlace place, std::uint64_t process, int fd, LinkPage page,
                   const LinkLimits& limits, std::uint64_t boot_id);
  void detach_link(WorkerPlace place, std::uint64_t process);
  // An HTTP/1.1 worker was replaced: connections to its predecessor are of no use.
  void forget_idle(WorkerPlace place);

  // Takes what waits in the backlogs, then accepts no more.
  void stop_accepting(Done done);
  // Ends idle connections, and each of the others after the answer it is at. Calls back when there
  // is none left.
  void drain(Done done);
  // Cancels what is still open.
  void abort();
  // Closes the ways to the upstreams and ends the loop.
  void finish();
  // Waits for that. Nobody may post to the thread any more when this is called: its loop is
  // destroyed here and not before, so that whoever posted last has let go of it.
  void join();

 private:
  struct Inside;  // lives on the thread

  void run(std::function<void(Result<void>)> started);
  void post(std::move_only_function<void(Inside&)> message);

  Serving& serving_;
  const std::uint32_t index_;
  const IoBackend backend_;
  Inside* inside_ = nullptr;  // set before start() returns, valid until join()
  std::binary_semaphore may_destroy_{0};
  std::thread thread_;
};

}  // namespace sk::lb
